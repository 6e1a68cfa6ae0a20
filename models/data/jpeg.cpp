// JPEG by libjpeg-turbo. Its errors arrive in a callback that must not return; it jumps back to
// guarded(), and between the two there is nothing that has a destructor.
#include <setjmp.h>
#include <stdio.h>  // jpeglib.h needs it before

#include <jerror.h>
#include <jpeglib.h>

#include <fmt/format.h>

#include "engine/core/error.h"
#include "models/data/image.h"

namespace engine {
namespace {

constexpr int kMostScans = 500;         // of a progressive file: each costs as much as an image
constexpr long kMostMemory = 1L << 30;  // that libjpeg may take

class Jpeg {
 public:
  Jpeg(std::span<const std::byte> file, const std::string& name) : file_(file), name_(name) {
    state_.err = jpeg_std_error(&errors_);
    errors_.error_exit = jump_back;
    errors_.emit_message = judge_warning;
    progress_.progress_monitor = limit_scans;
    state_.client_data = this;
    guarded([](Jpeg& jpeg) {
      jpeg_create_decompress(&jpeg.state_);
      jpeg.state_.progress = &jpeg.progress_;
      jpeg.state_.mem->max_memory_to_use = kMostMemory;
      jpeg_mem_src(&jpeg.state_, reinterpret_cast<const unsigned char*>(jpeg.file_.data()),
                   static_cast<unsigned long>(jpeg.file_.size()));
      jpeg_read_header(&jpeg.state_, TRUE);
    });
  }
  ~Jpeg() { jpeg_destroy_decompress(&state_); }
  Jpeg(const Jpeg&) = delete;
  Jpeg& operator=(const Jpeg&) = delete;

  std::int64_t width() const { return state_.image_width; }
  std::int64_t height() const { return state_.image_height; }
  bool is_cmyk() const { return state_.num_components == 4; }

  /// Makes decode() give a half, a quarter or an eighth of both sides while they are `enough`.
  void reduce(const ImageSize& enough) {
    unsigned divisor = 1;
    while (divisor < 8 && width() / (2 * divisor) >= enough.width &&
           height() / (2 * divisor) >= enough.height)
      divisor *= 2;
    state_.scale_num = 1;
    state_.scale_denom = divisor;
    guarded([](Jpeg& jpeg) { jpeg_calc_output_dimensions(&jpeg.state_); });
  }
  std::int32_t output_width() const { return static_cast<std::int32_t>(state_.output_width); }
  std::int32_t output_height() const { return static_cast<std::int32_t>(state_.output_height); }

  /// The pixels, of 3 components or of 4, where the file has CMYK.
  void decode(std::uint8_t* pixels) {
    pixels_ = pixels;
    guarded([](Jpeg& jpeg) {
      jpeg_decompress_struct& state = jpeg.state_;
      state.out_color_space = jpeg.is_cmyk() ? JCS_CMYK : JCS_RGB;
      jpeg_start_decompress(&state);
      const std::size_t row_bytes =
          std::size_t{state.output_width} * static_cast<std::size_t>(state.output_components);
      while (state.output_scanline < state.output_height) {
        JSAMPROW row = jpeg.pixels_ + state.output_scanline * row_bytes;
        jpeg_read_scanlines(&state, &row, 1);
      }
      jpeg_finish_decompress(&state);
    });
  }

 private:
  void guarded(void (*step)(Jpeg&)) {
    if (setjmp(return_point_) == 0) return step(*this);
    jpeg_destroy_decompress(&state_);  // the constructor's failure leaves nothing to the destructor
    throw DataError(fmt::format("{}: damaged JPEG: {}", name_, message_));
  }

  static Jpeg& of(j_common_ptr state) { return *static_cast<Jpeg*>(state->client_data); }
  [[noreturn]] static void jump_back(j_common_ptr state) {
    Jpeg& jpeg = of(state);
    state->err->format_message(state, jpeg.message_);
    longjmp(jpeg.return_point_, 1);
  }
  // Negative levels are damage that libjpeg papers over with gray. Only what leaves the image whole
  // passes.
  static void judge_warning(j_common_ptr state, int level) {
    const int code = state->err->msg_code;
    const bool harmless = code == JWRN_EXTRANEOUS_DATA || code == JWRN_ADOBE_XFORM ||
                          code == JWRN_JFIF_MAJOR || code == JWRN_TOO_MUCH_DATA;
    if (level < 0 && !harmless) jump_back(state);
  }
  static void limit_scans(j_common_ptr state) {
    Jpeg& jpeg = of(state);
    if (jpeg.state_.input_scan_number <= kMostScans) return;
    snprintf(jpeg.message_, sizeof(jpeg.message_), "more than %d scans", kMostScans);
    longjmp(jpeg.return_point_, 1);
  }

  std::span<const std::byte> file_;
  const std::string& name_;
  jpeg_decompress_struct state_{};
  jpeg_error_mgr errors_{};
  jpeg_progress_mgr progress_{};
  jmp_buf return_point_;
  char message_[JMSG_LENGTH_MAX] = "";
  std::uint8_t* pixels_ = nullptr;
};

/// In place, to the first three quarters. Files with CMYK have it inverted, as Adobe writes it.
void cmyk_to_rgb(std::vector<std::uint8_t>& pixels) {
  const std::size_t count = pixels.size() / 4;
  for (std::size_t i = 0; i < count; ++i) {
    const unsigned black = pixels[4 * i + 3];
    for (std::size_t c = 0; c < 3; ++c)
      pixels[3 * i + c] = static_cast<std::uint8_t>((pixels[4 * i + c] * black + 127) / 255);
  }
  pixels.resize(3 * count);
}

}  // namespace

Image decode_jpeg(std::span<const std::byte> file, const std::string& name,
                  const ImageSize& enough) {
  Jpeg jpeg(file, name);
  check_image_size(jpeg.width(), jpeg.height(), name);
  jpeg.reduce(enough);
  Image image{jpeg.output_height(), jpeg.output_width(), 3, {}};
  image.pixels.resize(static_cast<std::size_t>(image.height) *
                      static_cast<std::size_t>(image.width) * (jpeg.is_cmyk() ? 4 : 3));
  jpeg.decode(image.pixels.data());
  if (jpeg.is_cmyk()) cmyk_to_rgb(image.pixels);
  return image;
}

}  // namespace engine
