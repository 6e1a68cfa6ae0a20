// Names for addresses of code: a kernel's demangled name, and the source line of an instruction.
#pragma once

#include <string>

namespace simcuda {

// From the symbol table of the file that the function was loaded from, so that kernels in unnamed
// namespaces have names too. Hexadecimal where that fails.
std::string function_name(const void* function);

// "file:line" of the instruction before `return_address`, or "module+0x…" without debug
// information.
std::string source_line(const void* return_address);

}  // namespace simcuda
