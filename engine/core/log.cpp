#include "engine/core/log.h"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <cerrno>
#include <memory>

#include "engine/core/error.h"

namespace engine::log {
namespace {

using FileSink = spdlog::sinks::basic_file_sink_mt;

spdlog::logger& logger() {
  static const std::shared_ptr<spdlog::logger> instance = [] {
    auto created = std::make_shared<spdlog::logger>(
        "engine", std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
    created->set_pattern("%^%l%$: %v");
    created->flush_on(spdlog::level::info);
    return created;
  }();
  return *instance;
}

spdlog::level::level_enum to_spdlog(Level level) {
  switch (level) {
    case Level::debug:
      return spdlog::level::debug;
    case Level::info:
      return spdlog::level::info;
    case Level::warning:
      return spdlog::level::warn;
    case Level::error:
      return spdlog::level::err;
    case Level::off:
      return spdlog::level::off;
  }
  return spdlog::level::info;
}

// One that a signal interrupts is repeated: what is not written yet is still in the buffer.
void flush(FileSink& sink) {
  for (;;) {
    try {
      errno = 0;
      return sink.flush();
    } catch (const spdlog::spdlog_ex&) {
      if (errno != EINTR) throw;
    }
  }
}

}  // namespace

void set_level(Level level) {
  logger().sinks().front()->set_level(to_spdlog(level));
}

File::File(const std::string& path) {
  try {
    auto sink = std::make_shared<FileSink>(path);
    sink->set_pattern("%Y-%m-%d %H:%M:%S.%e %l: %v");
    sink_ = sink;
    logger().sinks().push_back(std::move(sink));
  } catch (const spdlog::spdlog_ex& failure) {
    throw FileError(path + ": the log cannot be written: " + failure.what());
  }
}

File::~File() {
  std::erase(logger().sinks(), sink_);
}

void File::note(const std::string& message) {
  if (!sink_) return;
  auto& sink = *static_cast<FileSink*>(sink_.get());
  try {
    sink.log(spdlog::details::log_msg("engine", spdlog::level::info, message));
    flush(sink);
  } catch (const spdlog::spdlog_ex& failure) {
    std::erase(logger().sinks(), sink_);
    sink_.reset();
    warning(std::string("the log ends here: ") + failure.what());
  }
}

void debug(const std::string& message) {
  logger().debug(message);
}
void info(const std::string& message) {
  logger().info(message);
}
void warning(const std::string& message) {
  logger().warn(message);
}
void error(const std::string& message) {
  logger().error(message);
}

}  // namespace engine::log
