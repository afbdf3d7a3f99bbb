// SPDX-License-Identifier: GPL-2.0-or-later
// The suite over the engines that need nothing but a processor.
#include "engine_suite.h"
#include "parity/isal_engine.h"

namespace raid56::parity {
namespace {

Engine* scalar() { return &scalar_engine(); }
Engine* isal() { return &isal_engine(); }
Engine* isal_together() {
    static auto engine = make_isal_engine(IsalVerify::together);
    return engine.get();
}
Engine* isal_apart() {
    static auto engine = make_isal_engine(IsalVerify::apart);
    return engine.get();
}

INSTANTIATE_TEST_SUITE_P(All, EngineTest,
                         ::testing::Values(Candidate{"scalar", scalar, 1}, Candidate{"isal", isal, 2},
                                           Candidate{"isal_together", isal_together, 2},
                                           Candidate{"isal_apart", isal_apart, 2}),
                         [](const auto& it) { return std::string(it.param.name); });

TEST(EnginesTest, ScalarIsFirstAndAllAreFoundByName) {
    ASSERT_FALSE(engines().empty());
    EXPECT_EQ(engines().front(), &scalar_engine());
    for (Engine* engine : engines()) EXPECT_EQ(find_engine(engine->name()), engine);
    EXPECT_EQ(find_engine("isal"), &isal_engine());
    EXPECT_EQ(find_engine(""), nullptr);
    EXPECT_EQ(find_engine("abacus"), nullptr);
}

}  // namespace
}  // namespace raid56::parity
