// Plug-ins are opened once and never closed: kernels, devices and buffers of theirs live until the
// process ends, and so must their code.
#include "engine/device/backend.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <mutex>

#include "engine/core/error.h"
#include "engine/core/version.h"
#include "engine/device/cpu/cpu_device.h"
#include "engine/tune/registry.h"

namespace engine {
namespace {

struct Loaded {
  BackendStatus status;
  const BackendEntry* entry = nullptr;  // set when the status is usable
};

// Where the library that holds this function lies.
std::filesystem::path core_folder() {
  Dl_info info{};
  if (dladdr(reinterpret_cast<const void*>(&load_backend), &info) == 0 || info.dli_fname == nullptr)
    return {};
  return std::filesystem::absolute(info.dli_fname).parent_path();
}

// A plug-in brings libraries that take 100 MB to load, so without its driver it is left alone.
void require_driver(const std::string& name) {
  if (name != "cuda") return;
  void* driver = dlopen("libcuda.so.1", RTLD_LAZY | RTLD_LOCAL);
  if (driver == nullptr) throw DeviceError("no NVIDIA driver is installed (libcuda.so.1)");
  dlclose(driver);
}

std::filesystem::path find_plugin(const std::string& name) {
  std::string variable = "ENGINE_PLUGIN_";
  for (char c : name) variable += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  if (const char* path = std::getenv(variable.c_str()); path != nullptr && *path != '\0') {
    if (!std::filesystem::exists(path))
      throw DeviceError(fmt::format("{} names '{}', which does not exist", variable, path));
    return std::filesystem::absolute(path);
  }
  const std::string file = "libengine-" + name + ".so";
  for (const auto& folder : {core_folder(), core_folder() / ".." / "lib"})
    if (std::filesystem::exists(folder / file)) {
      require_driver(name);
      return folder / file;
    }
  throw DeviceError(file + " was not built");
}

std::string last_dl_error() {
  const char* message = dlerror();
  return message != nullptr ? message : "no reason given";
}

const BackendEntry& open_plugin(const std::string& path) {
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) throw DeviceError(last_dl_error());
  void* symbol = dlsym(library, kBackendSymbol);
  if (symbol == nullptr) throw DeviceError("not a plug-in: " + last_dl_error());
  const BackendEntry* entry = reinterpret_cast<const BackendEntry* (*)()>(symbol)();
  if (entry == nullptr) throw DeviceError(path + " describes no back end");
  if (entry->abi != kPluginAbi)
    throw DeviceError(fmt::format("{} was built for plug-in interface {}, this library has {}",
                                  path, entry->abi, kPluginAbi));
  return *entry;
}

void load(const std::string& name, Loaded& loaded) {
  loaded.status.path = find_plugin(name).string();
  const BackendEntry& entry = open_plugin(loaded.status.path);
  if (entry.name != name)
    throw DeviceError(fmt::format("the plug-in is of back end '{}', not '{}'", entry.name, name));
  loaded.status.details = entry.describe();
  std::string why;
  const int devices = entry.device_count(why);
  if (devices <= 0) throw DeviceError("0 devices: " + why);
  entry.register_candidates(CandidateRegistry::global());
  loaded.status.devices = devices;
  loaded.entry = &entry;
}

const Loaded& load_once(const std::string& name) {
  static std::mutex mutex;
  static std::map<std::string, Loaded> back_ends;
  const std::lock_guard lock(mutex);
  const auto [place, is_new] = back_ends.try_emplace(name);
  Loaded& loaded = place->second;
  if (!is_new) return loaded;
  loaded.status.name = name;
  try {
    load(name, loaded);
  } catch (const std::exception& failure) {
    loaded.status.why_not = failure.what();
  } catch (...) {
    loaded.status.why_not = "the plug-in threw an exception of unknown type";
  }
  return loaded;
}

std::unique_ptr<Device> open_cuda(int index) {
  const Loaded& cuda = load_once("cuda");
  if (cuda.entry == nullptr)
    throw DeviceError(fmt::format("device 'cuda' cannot be used: {}", cuda.status.why_not));
  if (index >= cuda.status.devices)
    throw DeviceError(fmt::format("device 'cuda:{}' is not there: the CUDA devices are 0 to {}",
                                  index, cuda.status.devices - 1));
  return cuda.entry->make_device(index);
}

[[noreturn]] void fail_unknown(const std::string& name) {
  throw UsageError(fmt::format("device '{}' is unknown; expected auto, cpu, cuda or cuda:N", name));
}

// N of "cuda:N".
int parse_index(const std::string& name) {
  constexpr std::string_view prefix = "cuda:";
  if (!name.starts_with(prefix)) fail_unknown(name);
  int index = 0;
  const char* end = name.data() + name.size();
  const auto [stop, error] = std::from_chars(name.data() + prefix.size(), end, index);
  if (error != std::errc{} || stop != end || index < 0) fail_unknown(name);
  return index;
}

}  // namespace

BackendStatus load_backend(const std::string& name) {
  return load_once(name).status;
}

std::unique_ptr<Device> open_device(const std::string& name, int threads) {
  if (threads < 0) throw UsageError(fmt::format("{} threads; expected 0 or more", threads));
  if (name == "cpu") return cpu::make_cpu_device(threads);
  if (name == "cuda") return open_cuda(0);
  if (name != "auto") return open_cuda(parse_index(name));
  return load_once("cuda").entry != nullptr ? open_cuda(0) : cpu::make_cpu_device(threads);
}

}  // namespace engine
