// Charts as PNG pictures: the one place that names libpng.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstring>

#include <png.h>

#include <ndshare/error.h>

#include "lib/base/text.h"
#include "tools/cli/chart.h"

namespace ndshare::cli {
namespace {

constexpr int kWidth = 800, kHeight = 480, kLeft = 80, kTop = 30, kPlotHeight = 400;
constexpr int kGlyphScale = 2, kGlyphStep = 8;  // pixels

/// Capitals, digits and signs of 3 × 5 points: an octal digit a row, its bits from left to right. Other characters are
/// boxes.
const char* glyph(char character) {
  static constexpr std::array<const char*, 26> letters = {"25755", "65656", "34443", "65556", "74647", "74644", "34553",
                                                          "55755", "72227", "11152", "55655", "44447", "57755", "65555",
                                                          "25552", "65644", "25573", "65655", "34216", "72222", "55557",
                                                          "55552", "55775", "55255", "55222", "71247"};
  static constexpr std::array<const char*, 10> digits = {"75557", "26227", "71747", "71717", "55711",
                                                         "74717", "74757", "71111", "75757", "75717"};
  if (character >= 'a' && character <= 'z') return letters[static_cast<std::size_t>(character - 'a')];
  if (character >= 'A' && character <= 'Z') return letters[static_cast<std::size_t>(character - 'A')];
  if (character >= '0' && character <= '9') return digits[static_cast<std::size_t>(character - '0')];
  switch (character) {
    case ' ':
      return "00000";
    case '.':
      return "00002";
    case ',':
      return "00024";
    case '-':
      return "00700";
    case '+':
      return "02720";
    case ':':
      return "02020";
    case '/':
      return "11244";
    case '_':
      return "00007";
    case '[':
      return "64446";
    case ']':
      return "31113";
    default:
      return "77777";
  }
}

struct Rgb {
  std::uint8_t red, green, blue;
};
constexpr Rgb kInk{40, 40, 40}, kGrid{225, 225, 225}, kCurve{31, 105, 180};

class Picture {
 public:
  Picture() : bytes_(static_cast<std::size_t>(kWidth) * kHeight * 3, 255) {}
  const std::uint8_t* data() const { return bytes_.data(); }

  void fill(int x0, int y0, int x1, int y1, Rgb color) {
    for (int y = std::max(y0, 0); y <= std::min(y1, kHeight - 1); ++y)
      for (int x = std::max(x0, 0); x <= std::min(x1, kWidth - 1); ++x) set(x, y, color);
  }
  void text(int x, int y, const std::string& words) {
    for (const char character : words) {
      const char* rows = glyph(character);
      for (int row = 0; row < 5; ++row)
        for (int bit = 0; bit < 3; ++bit) {
          if ((((rows[row] - '0') >> (2 - bit)) & 1) == 0) continue;
          const int left = x + bit * kGlyphScale, up = y + row * kGlyphScale;
          fill(left, up, left + kGlyphScale - 1, up + kGlyphScale - 1, kInk);
        }
      x += kGlyphStep;
    }
  }
  void text_right(int x, int y, const std::string& words) {
    text(x - static_cast<int>(words.size()) * kGlyphStep, y, words);
  }

 private:
  void set(int x, int y, Rgb color) {
    auto* at = &bytes_[(static_cast<std::size_t>(y) * kWidth + static_cast<std::size_t>(x)) * 3];
    at[0] = color.red, at[1] = color.green, at[2] = color.blue;
  }
  std::vector<std::uint8_t> bytes_;
};

int y_of(const Chart& chart, double value) {
  return kTop + static_cast<int>(std::lround((chart.top - value) / (chart.top - chart.bottom) * (kPlotHeight - 1)));
}

void draw_curve(const Chart& chart, Picture& picture) {
  const auto count = static_cast<int>(chart.high.size());
  int before = -1;
  for (int x = 0; x < kPictureColumns; ++x) {
    const auto column = static_cast<std::size_t>(static_cast<std::int64_t>(x) * count / kPictureColumns);
    if (std::isnan(chart.high[column])) {
      before = -1;
      continue;
    }
    int high = y_of(chart, chart.high[column]), low = y_of(chart, chart.low[column]);
    if (!chart.bars && before >= 0) high = std::min(high, before), low = std::max(low, before);
    before = (y_of(chart, chart.high[column]) + y_of(chart, chart.low[column])) / 2;
    if (chart.bars && chart.high[column] <= 0) continue;
    picture.fill(kLeft + x, high, kLeft + x, low + (chart.bars ? 0 : 1), kCurve);
  }
}

void draw(const Chart& chart, Picture& picture) {
  constexpr int bottom = kTop + kPlotHeight, end = kLeft + kPictureColumns;
  for (int i = 0; i <= 4; ++i) {
    const int y = kTop + (kPlotHeight - 1) * i / 4, x = kLeft + (kPictureColumns - 1) * i / 4;
    picture.fill(kLeft, y, end, y, kGrid);
    picture.fill(x, kTop, x, bottom, kGrid);
  }
  draw_curve(chart, picture);
  picture.fill(kLeft - 1, kTop, kLeft - 1, bottom, kInk);
  picture.fill(kLeft - 1, bottom, end, bottom, kInk);
  picture.text(kLeft, 10, chart.title);
  picture.text_right(kLeft - 6, kTop, chart.top_text);
  picture.text_right(kLeft - 6, bottom - 10, chart.bottom_text);
  picture.text(kLeft, bottom + 8, chart.left_text);
  picture.text_right(end, bottom + 8, chart.right_text);
}

}  // namespace

void write_png(const Chart& chart, const std::string& file) {
  Picture picture;
  draw(chart, picture);
  png_image image;
  std::memset(&image, 0, sizeof(image));
  image.version = PNG_IMAGE_VERSION;
  image.width = kWidth;
  image.height = kHeight;
  image.format = PNG_FORMAT_RGB;
  const bool done = file == "-" ? png_image_write_to_stdio(&image, stdout, 0, picture.data(), 0, nullptr) != 0
                                : png_image_write_to_file(&image, file.c_str(), 0, picture.data(), 0, nullptr) != 0;
  if (!done)
    throw Error(
        ErrorCode::Io,
        "the picture '" + internal::printable(file) + "' cannot be written: " + internal::printable(image.message),
        {{"file", file == "-" ? "<stdout>" : file}});
}

}  // namespace ndshare::cli
