// Progress: how far a sweep is, as one line of text. Arithmetic only: the clock is an argument.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace aesweep {

class Progress {
 public:
  // Epochs that each trial will have.
  explicit Progress(std::vector<std::int64_t> epochs_of_trial);

  // A trial had come so far before this job: none of the time went into it.
  void already(std::int64_t trial, std::int64_t epochs);
  // A running trial has come so far.
  void advanced(std::int64_t trial, std::int64_t epochs, std::int64_t samples);
  // A trial has ended, perhaps before its last epoch; what is left of it will not come.
  void ended(std::int64_t trial, std::int64_t samples);

  // "3 of 12 trials, 2 running | 31 % | 45 of 120 epochs | 81000 samples/s | 0:41 left"
  [[nodiscard]] std::string line(std::int64_t finished, std::int64_t running, double seconds) const;

  [[nodiscard]] double samples_per_second(double seconds) const;
  // Below 0: not known yet.
  [[nodiscard]] double seconds_left(double seconds) const;
  [[nodiscard]] std::int64_t epochs_done() const { return epochs_done_; }
  [[nodiscard]] std::int64_t epochs_planned() const { return epochs_planned_; }

 private:
  struct Trial {
    std::int64_t epochs_planned = 0;
    std::int64_t epochs_done = 0;
    std::int64_t samples = 0;
  };
  std::vector<Trial> trials_;
  std::int64_t epochs_planned_ = 0;
  std::int64_t epochs_done_ = 0;
  std::int64_t epochs_before_ = 0;  // Of these, by earlier jobs.
  std::int64_t samples_ = 0;
};

// "0:07", "12:34", "3:00:00"
[[nodiscard]] std::string clock_text(double seconds);

}  // namespace aesweep
