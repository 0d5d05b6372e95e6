// ManagerDesk: answers go to the right leader; after a fault nothing is given out, all leaders are
// told, and waiting for them ends.

#include "runner/sweep/manager_desk.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "tests/sweep/fake_sweep.hpp"

namespace aesweep {
namespace {

using namespace std::chrono_literals;
using Kind = Message::Kind;

struct Sent {
  int rank;
  Kind kind;
  std::int64_t trial;
  bool operator==(const Sent&) const = default;
};

// Ten trials for the groups {0, 1} and {2, 3}.
struct Office {
  Office() {
    for (std::size_t i = 0; i < experiment.trials.size(); ++i) {
      plan.trials.push_back({static_cast<std::int64_t>(i), "key", &experiment.trials[i]});
    }
    plan.groups = {{{0, 1}}, {{2, 3}}};
  }
  ManagerDesk::Send send() {
    return [this](int rank, const Message& message) {
      sent.push_back({rank, message.kind, message.trial});
    };
  }

  FakeLog fake_log;
  Experiment experiment = fake_experiment(10);
  Catalogue catalogue;
  SweepServices services = fake_services(fake_log);
  SweepPlan plan{experiment, catalogue, services, {}, {"run"}, {}, {}};
  RunLog log;
  std::vector<Sent> sent;
};

Message event(Kind kind, int group, std::int64_t trial = -1, Status stored = {}) {
  Message message;
  message.kind = kind;
  message.group = group;
  message.trial = trial;
  message.stored = std::move(stored);
  message.summary.host = "node2";
  return message;
}

TEST(ManagerDesk, AnswersTheLeaderOfTheGroup) {
  Office office;
  ManagerDesk desk(office.plan, office.log, office.send());
  desk.handle(event(Kind::kWants, 1));
  desk.handle(event(Kind::kWants, 0));
  desk.handle(event(Kind::kStarted, 1, 0));
  EXPECT_EQ(office.sent,
            (std::vector<Sent>{{2, Kind::kOrder, 0}, {0, Kind::kOrder, 1}, {2, Kind::kOrder, 2}}));
}

TEST(ManagerDesk, AFaultStopsAllGroupsAndIsReportedOnceTheyTakeTooLong) {
  Office office;
  ManagerDesk desk(office.plan, office.log, office.send(), 20ms);
  desk.handle(event(Kind::kWants, 0));
  desk.handle(event(Kind::kWants, 1));
  desk.handle(event(Kind::kStarted, 0, 0));
  desk.handle(event(Kind::kStarted, 1, 1));
  office.sent.clear();
  desk.handle(event(Kind::kFinished, 1, 1, Status::world("1.h5: no space left")));
  EXPECT_EQ(office.sent, (std::vector<Sent>{{0, Kind::kStop, -1}, {2, Kind::kStop, -1}}));
  EXPECT_EQ(desk.fault().message(), "trial 1 (seed=1) on node2: 1.h5: no space left");
  EXPECT_TRUE(desk.tick().ok());

  office.sent.clear();
  desk.handle(event(Kind::kWants, 1));
  EXPECT_EQ(office.sent, (std::vector<Sent>{{2, Kind::kOrder, -1}}));
  desk.handle(event(Kind::kClosed, 1));
  std::this_thread::sleep_for(30ms);
  EXPECT_EQ(desk.tick().message(), desk.fault().message());  // Group 0 still trains.

  desk.handle(event(Kind::kFinished, 0, 0, Status::world("0.h5: no space left")));
  desk.handle(event(Kind::kClosed, 0));
  EXPECT_TRUE(desk.done());
  EXPECT_TRUE(desk.tick().ok());
  EXPECT_EQ(desk.fault().message(), "trial 1 (seed=1) on node2: 1.h5: no space left");
}

}  // namespace
}  // namespace aesweep
