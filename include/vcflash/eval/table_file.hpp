#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include <vcflash/meta/separate.hpp>

/// Files of rows: JSON, JSON lines, CSV and TSV.
namespace vcflash::eval {

/// A row, an object whose keys are the columns, and the line or place that it stands at.
struct TableRow {
  nlohmann::ordered_json cells;
  std::string where;  ///< "line 12", or "row 12" of a JSON list; the first is 1
};

/// Reads a file of rows. The end of its name says what it is: `.json` is a list of objects,
/// `.jsonl` an object a line, `.csv` and `.tsv` have a first line of column names, and texts in all
/// cells. \param list where in a JSON file the list stands, "data.questions"; empty: it is the file
/// \throws InputError naming the file, and the line
std::vector<TableRow> read_table(std::filesystem::path const& path, std::string_view list = {});

/// What stands under "a.b" in an object: a key of that name, or `b` of the object `a`.
/// \return null if there is nothing, or JSON's null
nlohmann::ordered_json const* find_cell(nlohmann::ordered_json const& row, std::string_view name);

}  // namespace vcflash::eval

#ifndef VCFLASH_SEPARATE
#include <vcflash/eval/table_file.ipp>
#endif
