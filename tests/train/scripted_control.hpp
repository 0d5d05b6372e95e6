// ScriptedControl: asks for what a test wants at each step, and keeps what it is told.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/train/trial.hpp"

namespace aesweep::test {

// What one rank saw.
struct Seen {
  std::vector<TrialState> states;
  std::vector<StepReport> steps;
  std::vector<EpochReport> epochs;            // Their spans are not valid any more;
  std::vector<std::vector<HistoryRow>> rows;  // these are the rows.
};

class ScriptedControl final : public TrialControl {
 public:
  using Wish = std::function<std::uint32_t(const StepReport&)>;

  ScriptedControl(Seen& seen, Wish wish, std::string reason = {})
      : seen_(seen), wish_(std::move(wish)), reason_(std::move(reason)) {}

  void epoch_done(const EpochReport& report) override {
    seen_.epochs.push_back(report);
    seen_.rows.emplace_back(report.rows.begin(), report.rows.end());
  }
  std::uint32_t wanted(const StepReport& report) override {
    seen_.steps.push_back(report);
    return wish_(report);
  }
  void checkpoint(TrialState state) override { seen_.states.push_back(std::move(state)); }
  std::string prune_reason() override { return reason_; }

 private:
  Seen& seen_;
  Wish wish_;
  std::string reason_;
};

}  // namespace aesweep::test
