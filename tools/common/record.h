// A row of results with named fields in a fixed order, printed as one line of JSON or of CSV.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace engine::tools {

class Record;
/// nullptr is JSON's null; a number that is not finite prints as null, too.
using Field =
    std::variant<std::nullptr_t, bool, std::int64_t, double, std::string, std::vector<Record>>;

class Record {
 public:
  Record& set(std::string name, Field value) {
    fields_.emplace_back(std::move(name), std::move(value));
    return *this;
  }
  const std::vector<std::pair<std::string, Field>>& fields() const { return fields_; }
  /// nullptr where there is no field of that name.
  const Field* find(std::string_view name) const;

 private:
  std::vector<std::pair<std::string, Field>> fields_;
};

/// One line without its newline. Text that is not UTF-8 has its stray bytes replaced.
std::string to_json(const Record& record);
/// The inverse, for lines that to_json() printed, or that somebody says it did; throws DataError
/// for anything else. Numbers without a fraction come back as integers.
Record record_from_json(const std::string& line);
/// The names, and the values, as RFC 4180 has them; null is empty. Nested records are not for CSV.
std::string csv_header(const Record& record);
std::string to_csv(const Record& record);

}  // namespace engine::tools
