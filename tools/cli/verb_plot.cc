// ndshare plot: a histogram or a line, in the terminal or as a picture.
#include <algorithm>
#include <memory>
#include <ostream>

#include <ndshare/error.h>

#include "tools/cli/chart.h"
#include "tools/cli/reader.h"
#include "tools/cli/verb.h"

namespace ndshare::cli {
namespace {

constexpr int kPipeColumns = 80, kLeastColumns = 24;

struct PlotFlags {
  std::string argument, kind, png;
  std::uint32_t bins = 0, height = 16;
};

Chart chart_of(const PlotFlags& flags, const Array& array, int columns) {
  const bool histogram = flags.kind.empty() ? array.ndim() != 1 || flags.bins != 0 : flags.kind == "histogram";
  if (!histogram) {
    if (flags.bins != 0) throw Error(ErrorCode::Usage, "plot: --bins are a histogram's, not a line's");
    return line_chart(array, flags.argument, columns);
  }
  if (flags.bins > static_cast<std::uint32_t>(columns))
    throw Error(ErrorCode::Usage,
                "--bins: " + std::to_string(flags.bins) + " do not fit, there is room for " + std::to_string(columns));
  return histogram_chart(array, flags.argument, flags.bins != 0 ? std::int64_t{flags.bins} : std::min(columns, 60));
}

int plot(const PlotFlags& flags, Context& context) {
  if (flags.height < 4 || flags.height > 200)
    throw Error(ErrorCode::Usage, "--height: from 4 to 200 lines, not " + std::to_string(flags.height));
  const Array array = Reader(context).array(flags.argument);
  const int width = std::max(context.width > 0 ? context.width : kPipeColumns, kLeastColumns);
  const bool bars = flags.kind == "histogram" || flags.bins != 0 || array.ndim() != 1;
  const int columns = !flags.png.empty() ? kPictureColumns : bars ? chart_columns(width) : chart_columns(width) * 2;
  const auto chart = chart_of(flags, array, columns);
  if (!flags.png.empty()) write_png(chart, flags.png);
  if (context.json && flags.png != "-") {
    print_json(context.out, chart.json);
  } else if (flags.png.empty()) {
    context.out << chart_text(chart, width, static_cast<int>(flags.height));
  } else if (flags.png != "-") {
    context.out << one_line(flags.png) << ": " << one_line(chart.title) << '\n';
  }
  return 0;
}

}  // namespace

Logic setup_plot(Flags& flags) {
  auto chosen = std::make_shared<PlotFlags>();
  flags.word(chosen->argument, "NAME[INDEX]", "as of show; real numbers, or times");
  flags.choice(chosen->kind, "--kind", {"line", "histogram"}, "else a line of one axis, a histogram of more");
  flags.number(chosen->bins, "--bins", "of the histogram");
  flags.number(chosen->height, "--height", "lines of the terminal (16)");
  flags.text(chosen->png, "--png", "a picture of 800 x 480 instead (- is stdout)");
  return [chosen](Context& context) { return plot(*chosen, context); };
}

}  // namespace ndshare::cli
