// A live loss, for the tests of losses.
#pragma once

#include "tests/plugins/harness.hpp"

namespace aesweep::test {

template <class Real>
class LossLive : public Live<Real> {
 public:
  LossLive(const std::string& name, const Values& given) : Live<Real>(AESWEEP_LOSS, name, given) {}

  double evaluate(const aesweep_context& context, const sdk::ConstMatrix<Real>& p,
                  const sdk::ConstMatrix<Real>& t, const sdk::Matrix<Real>* gradient = nullptr) {
    double value = std::nan("");
    const auto& table = this->template table<typename sdk::Abi<Real>::LossTable>();
    this->call(table.evaluate, &context, &this->memory(), &p, &t,
               static_cast<const std::int32_t*>(nullptr), &value, gradient);
    return value;
  }
};

}  // namespace aesweep::test
