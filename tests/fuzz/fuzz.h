// What fuzz targets share. A target hands its bytes to one reader, which may throw DataError and
// nothing else, and looks at what was read: a promise that does not hold ends the process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

/// The entry point that libFuzzer calls, and replay.cpp where the compiler has none.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace engine::fuzz {

/// A file with these bytes whose name ends in `suffix`; the next call with that suffix overwrites
/// it, the end of the process removes it.
const std::string& file_of(const std::uint8_t* data, std::size_t size, const char* suffix = "");

/// Ends the process with `what` unless `condition` holds.
void require(bool condition, const char* what);

/// Warnings are expected here, and a million of them help nobody.
void silence_log();

}  // namespace engine::fuzz
