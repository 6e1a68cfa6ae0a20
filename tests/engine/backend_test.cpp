// Loading of back ends. A back end is tried once a process, so each test has one of its own.
#include "engine/device/backend.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include "engine/core/error.h"
#include "engine/tune/registry.h"
#include "tests/engine/scratch_folder.h"

namespace engine {
namespace {

// Loads back end `name` from `path`.
BackendStatus load_from(const std::string& name, const std::string& variable,
                        const std::string& path) {
  EXPECT_EQ(setenv(variable.c_str(), path.c_str(), 1), 0);
  return load_backend(name);
}

std::string plugin(const std::string& name) {
  return PLUGIN_FOLDER "/libplugin_" + name + ".so";
}

void expect_why_not(const BackendStatus& status, const std::string& part) {
  EXPECT_EQ(status.devices, 0);
  EXPECT_NE(status.why_not.find(part), std::string::npos) << status.why_not;
}

TEST(Backend, AbsentPluginWasNotBuilt) {
  expect_why_not(load_backend("absent"), "libengine-absent.so was not built");
}

TEST(Backend, MissingFileNamesVariableAndPath) {
  expect_why_not(load_from("missing", "ENGINE_PLUGIN_MISSING", "/nowhere/x.so"),
                 "ENGINE_PLUGIN_MISSING names '/nowhere/x.so'");
}

TEST(Backend, FileThatIsNoLibrary) {
  const ScratchFolder folder;
  write_text(folder.file("text.so"), "hello");
  expect_why_not(load_from("text", "ENGINE_PLUGIN_TEXT", folder.file("text.so")), "text.so");
}

TEST(Backend, LibraryWithoutEntryPoint) {
  expect_why_not(load_from("core", "ENGINE_PLUGIN_CORE", ENGINE_LIBRARY), "not a plug-in");
}

TEST(Backend, OtherInterfaceVersion) {
  expect_why_not(load_from("old", "ENGINE_PLUGIN_OLD", plugin("old")), "plug-in interface 0");
  EXPECT_TRUE(CandidateRegistry::global().find("plugin_op", "old").empty());
}

TEST(Backend, OtherName) {
  expect_why_not(load_from("misnamed", "ENGINE_PLUGIN_MISNAMED", plugin("working")),
                 "of back end 'working'");
}

TEST(Backend, NoDevicesRegistersNothingAndSaysWhy) {
  const BackendStatus status = load_from("empty", "ENGINE_PLUGIN_EMPTY", plugin("empty"));
  expect_why_not(status, "0 devices: no hardware was found");
  EXPECT_EQ(status.details, std::vector<std::string>{"test plug-in 1.0"});
  EXPECT_TRUE(CandidateRegistry::global().find("plugin_op", "empty").empty());
}

TEST(Backend, ExceptionOfThePluginIsTheReason) {
  expect_why_not(load_from("throwing", "ENGINE_PLUGIN_THROWING", plugin("throwing")), "bad mood");
}

TEST(Backend, WorkingPluginRegistersOnce) {
  for (int i = 0; i < 2; ++i) {
    const BackendStatus status = load_from("working", "ENGINE_PLUGIN_WORKING", plugin("working"));
    EXPECT_EQ(status.why_not, "");
    EXPECT_EQ(status.devices, 2);
  }
  const auto candidates = CandidateRegistry::global().find("plugin_op", "working");
  ASSERT_EQ(candidates.size(), 1u);
  EXPECT_EQ(candidates[0]->id(), "from_plugin");
}

TEST(OpenDevice, SpellingsThatAreNone) {
  for (const char* name : {"gpu", "", "CPU", "cuda:", "cuda:x", "cuda:-1", "cuda:1x", "cuda 1",
                           "cuda:99999999999", "cpu:0"})
    EXPECT_THROW_WITH(open_device(name), UsageError, "expected auto, cpu, cuda or cuda:N");
  EXPECT_THROW_WITH(open_device("cpu", -1), UsageError, "-1 threads");
}

TEST(OpenDevice, Cpu) {
  EXPECT_EQ(open_device("cpu", 1)->backend(), "cpu");
}

TEST(OpenDevice, CudaThroughItsPlugin) {
  const BackendStatus status = load_from("cuda", "ENGINE_PLUGIN_CUDA", plugin("cuda"));
  ASSERT_EQ(status.devices, 2) << status.why_not;
  EXPECT_NE(open_device("auto"), nullptr);
  EXPECT_NE(open_device("cuda"), nullptr);
  EXPECT_NE(open_device("cuda:1"), nullptr);
  EXPECT_THROW_WITH(open_device("cuda:2"), DeviceError, "the CUDA devices are 0 to 1");
}

}  // namespace
}  // namespace engine
