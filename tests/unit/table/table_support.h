// What the tests of tables share: tables written down row by row, and comparison to the bit.
#pragma once

#include <ndshare/array.h>
#include <ndshare/create.h>
#include <ndshare/dtype.h>
#include <ndshare/table.h>

#include <functional>
#include <string>
#include <vector>

namespace ndshare::test {

/// A table of this dtype's spelling; text and numbers in rows.
Array make_rows(const std::string& dtype, const std::vector<std::vector<Scalar>>& rows);

/// A table's rows as text: "AA 1 2.5; BB 3 nan".
std::string rows_text(const Array& table);

/// The elements' bytes.
std::string bytes_of(const Array& array);

/// The same rows and dtype in memory that is cut up: every second row of a larger table, from the end, read-only.
Array laid_apart(const Array& table);

/// Whether `make` gives the same bytes with 1, 2 and 3 threads; its result.
Array same_for_any_threads(const std::function<Array(int threads)>& make);

}  // namespace ndshare::test
