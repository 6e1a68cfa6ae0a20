#include "symbols.h"

#include <cxxabi.h>
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>

namespace simcuda {
namespace {

struct Module {
  std::string file;
  std::uintptr_t offset;  // of the address, from the module's load base
};

bool locate(const void* address, Module& out) {
  Dl_info info{};
  link_map* map = nullptr;
  if (dladdr1(address, &info, reinterpret_cast<void**>(&map), RTLD_DL_LINKMAP) == 0) return false;
  // The main program's name in the map is empty, and may be relative in the other field.
  out.file = map != nullptr && map->l_name[0] != '\0' ? map->l_name : "/proc/self/exe";
  const std::uintptr_t base = map != nullptr ? map->l_addr : 0;
  out.offset = reinterpret_cast<std::uintptr_t>(address) - base;
  return true;
}

std::string demangle(const char* symbol) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> name(
      abi::__cxa_demangle(symbol, nullptr, nullptr, &status), &std::free);
  return status == 0 ? name.get() : symbol;
}

std::string hexadecimal(const void* address) {
  char text[32];
  std::snprintf(text, sizeof text, "%p", address);
  return text;
}

class MappedFile {
 public:
  explicit MappedFile(const std::string& path) {
    const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return;
    struct stat status {};
    if (fstat(descriptor, &status) == 0 && status.st_size > 0) {
      bytes_ = static_cast<std::size_t>(status.st_size);
      void* mapped = mmap(nullptr, bytes_, PROT_READ, MAP_PRIVATE, descriptor, 0);
      data_ = mapped == MAP_FAILED ? nullptr : static_cast<const char*>(mapped);
    }
    ::close(descriptor);
  }
  ~MappedFile() {
    if (data_ != nullptr) munmap(const_cast<char*>(data_), bytes_);
  }
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  // Null unless `count` values of T lie inside the file at `offset`.
  template <class T>
  const T* at(std::uint64_t offset, std::uint64_t count = 1) const {
    const bool inside =
        data_ != nullptr && offset <= bytes_ && count <= (bytes_ - offset) / sizeof(T);
    return inside ? reinterpret_cast<const T*>(data_ + offset) : nullptr;
  }

 private:
  const char* data_ = nullptr;
  std::size_t bytes_ = 0;
};

// The function symbol that covers `offset`, mangled; empty if the file has no such symbol.
std::string find_symbol(const Module& module) {
  const MappedFile file(module.file);
  const auto* header = file.at<ElfW(Ehdr)>(0);
  if (header == nullptr) return {};
  const auto* sections = file.at<ElfW(Shdr)>(header->e_shoff, header->e_shnum);
  for (unsigned i = 0; sections != nullptr && i < header->e_shnum; ++i) {
    const auto& table = sections[i];
    if (table.sh_type != SHT_SYMTAB || table.sh_link >= header->e_shnum) continue;
    const auto& strings = sections[table.sh_link];
    const std::uint64_t count = table.sh_size / sizeof(ElfW(Sym));
    const auto* symbols = file.at<ElfW(Sym)>(table.sh_offset, count);
    const char* names = file.at<char>(strings.sh_offset, strings.sh_size);
    for (std::uint64_t s = 0; symbols != nullptr && names != nullptr && s < count; ++s)
      if (ELF64_ST_TYPE(symbols[s].st_info) == STT_FUNC && symbols[s].st_value <= module.offset &&
          module.offset < symbols[s].st_value + symbols[s].st_size)
        return names + symbols[s].st_name;
  }
  return {};
}

std::string run_addr2line(const Module& module) {
  // /proc/self would be the tool's own process.
  char path[4096] = {};
  if (readlink(module.file.c_str(), path, sizeof path - 1) <= 0)
    std::strncpy(path, module.file.c_str(), sizeof path - 1);
  char command[4600];
  std::snprintf(command, sizeof command, "addr2line -e '%s' 0x%lx 2>/dev/null", path,
                static_cast<unsigned long>(module.offset));
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command, "r"), &pclose);
  char line[4096] = {};
  if (pipe == nullptr || std::fgets(line, sizeof line, pipe.get()) == nullptr) return {};
  line[std::strcspn(line, " \n")] = '\0';  // also drops "(discriminator n)"
  return line[0] == '?' ? std::string{} : std::string(line);
}

}  // namespace

std::string function_name(const void* function) {
  static auto* const known = new std::map<const void*, std::string>;
  const auto [entry, fresh] = known->try_emplace(function);
  Module module;
  if (fresh) {
    const std::string symbol = locate(function, module) ? find_symbol(module) : std::string{};
    entry->second = symbol.empty() ? hexadecimal(function) : demangle(symbol.c_str());
  }
  return entry->second;
}

std::string source_line(const void* return_address) {
  static auto* const known = new std::map<const void*, std::string>;
  const auto [entry, fresh] = known->try_emplace(return_address);
  if (!fresh) return entry->second;
  const void* call = static_cast<const char*>(return_address) - 1;
  Module module;
  if (!locate(call, module)) return entry->second = hexadecimal(call);
  entry->second = run_addr2line(module);
  if (entry->second.empty())
    entry->second = module.file + "+" + hexadecimal(reinterpret_cast<const void*>(module.offset));
  return entry->second;
}

}  // namespace simcuda
