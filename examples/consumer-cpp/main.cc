// SPDX-License-Identifier: Apache-2.0
// One picture through every member of a model, then anytime: the best answer within 20 ms.
#include <iostream>
#include <limber/limber.hpp>
#include <vector>

int main(int argc, char** argv) try {
  if (argc != 2) {
    std::cerr << "usage: " << argv[0] << " MODEL\n";
    return 2;
  }
  const limber::Model model(argv[1]);
  const limber::MemberInfo largest = model.member(model.largest());
  std::vector<uint8_t> picture(static_cast<std::size_t>(largest.image.values()));
  for (std::size_t i = 0; i < picture.size(); ++i) picture[i] = static_cast<uint8_t>(i % 251);
  std::vector<float> answer(static_cast<std::size_t>(largest.outputs));

  limber::Session session(model, {.anytime_images = 1});
  for (int member = 0; member < model.members(); ++member) {
    session.select(member);
    session.infer(picture, answer);
    const limber::Best best = model.best(answer);
    std::cout << model.member(member).name << ": " << model.label(best.output) << " (" << best.confidence << ")\n";
  }

  const auto deadline = limber::Session::Clock::now() + std::chrono::milliseconds(20);
  const int exits = session.infer_anytime(picture, answer, 1, deadline);
  std::cout << exits << " of " << model.exits() << " exits within 20 ms\n";
  return exits > 0 ? 0 : 1;
} catch (const limber::Error& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
