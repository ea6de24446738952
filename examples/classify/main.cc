// SPDX-License-Identifier: Apache-2.0
// What is on these pictures? Asks one member of a model, or for the best answer within a deadline.
#include <fstream>
#include <iostream>
#include <limber/limber.hpp>
#include <vector>

// A binary PGM (grey) or PPM (RGB) of 8 bits without comments, of any size.
std::vector<uint8_t> read(const std::string& file, limber::Session& session, int64_t channels) {
  std::ifstream stream(file, std::ios::binary);
  std::string kind;
  int64_t width = 0, height = 0, largest = 0;
  stream >> kind >> width >> height >> largest;
  if (!stream.ignore() || kind != (channels == 1 ? "P5" : "P6") || largest != 255)
    throw std::runtime_error(file + ": not a readable binary " + (channels == 1 ? "PGM" : "PPM") + " of 8 bits");
  session.set_image_size(height, width);  // refuses what is no size
  std::vector<uint8_t> pixels(static_cast<std::size_t>(height * width * channels));
  if (!stream.read(reinterpret_cast<char*>(pixels.data()), static_cast<std::streamsize>(pixels.size())))
    throw std::runtime_error(file + ": ends too early");
  return pixels;
}

int main(int argc, char** argv) try {
  const std::string option = argc > 4 ? argv[2] : "";
  if (option != "--member" && option != "--deadline-ms") {
    std::cerr << "usage: " << argv[0] << " MODEL --member NAME|--deadline-ms MS PICTURE...\n";
    return 2;
  }
  const limber::Model model(argv[1]);
  const bool anytime = option == "--deadline-ms";
  limber::Session session(model, {.anytime_images = anytime ? 1 : 0});
  if (!anytime) session.select(argv[3]);
  const std::chrono::microseconds time(anytime ? static_cast<int64_t>(std::stod(argv[3]) * 1000) : 0);
  std::vector<float> answer(static_cast<std::size_t>(model.member(0).outputs));
  for (int i = 4; i < argc; ++i) {
    const std::vector<uint8_t> picture = read(argv[i], session, model.member(0).image.channels);
    int member = session.active();
    if (anytime) {
      member = session.infer_anytime(picture, answer, 1, limber::Session::Clock::now() + time) - 1;
      if (member < 0) throw std::runtime_error(std::string(argv[i]) + ": no answer in time");
    } else {
      session.infer(picture, answer);
    }
    const limber::Best best = model.best(answer);
    std::cout << argv[i] << ": " << model.label(best.output) << ", " << best.confidence << ", by "
              << model.member(member).name << '\n';
  }
} catch (const std::exception& error) {  // limber::Error, and what read() throws
  std::cerr << error.what() << '\n';
  return 1;
}
