// Proves what the SDK makes of a component beyond its calls: which optional methods are offered,
// and that nothing of a plan request outlives its call. What must not compile is in
// sdk_refused.cpp.
#include "core/sdk/component.hpp"
#include "tests/plugins/harness.hpp"

namespace aesweep::test {
namespace {

template <class Real>
class Plain {
 public:
  static constexpr sdk::Info kInfo = {.name = "plain", .summary = "y = x"};
  void plan(const sdk::Request& request, sdk::Plan& plan) const {
    plan.workspace_bytes = request.tensor_count * sizeof(Real);  // Of the call's own request.
  }
  void forward(const sdk::Context&, const sdk::Memory<Real>&, const sdk::ConstMatrix<Real>&,
               const sdk::Matrix<Real>&) const {}
  void backward(const sdk::Context&, const sdk::Memory<Real>&, const sdk::ConstMatrix<Real>&,
                const sdk::ConstMatrix<Real>&, const sdk::ConstMatrix<Real>&,
                const sdk::Matrix<Real>*) const {}
};

// Methods from a base are as good as own ones; a final class has no others.
template <class Real>
class Derived final : public Plain<Real> {
 public:
  void end_step(const sdk::Context&, const sdk::Memory<Real>&) const {}
};

TEST(SdkComponent, KeepsNothingOfARequestThatEndsWithTheCall) {
  Live<float> live(*sdk::layer<Plain>());
  live.know("encoder/weights", 2, 3).plan(4, 5);
  EXPECT_EQ(live.planned().workspace_bytes, sizeof(float)) << "plan itself sees the tensors";
  const sdk::Request& kept = sdk::detail::instance_of<Plain<float>>(live.instance()).request;
  EXPECT_EQ(kept.input_cols, 5);
  EXPECT_EQ(kept.tensors, nullptr);
  EXPECT_EQ(kept.tensor_count, 0u);
}

TEST(SdkComponent, OffersTheMethodsThatThereAre) {
  const Live<double> plain(*sdk::layer<Plain>()), derived(*sdk::layer<Derived>());
  EXPECT_EQ(plain.transform().accumulate, nullptr);
  EXPECT_EQ(plain.transform().end_step, nullptr);
  EXPECT_EQ(derived.transform().accumulate, nullptr);
  EXPECT_NE(derived.transform().end_step, nullptr);
}

}  // namespace
}  // namespace aesweep::test
