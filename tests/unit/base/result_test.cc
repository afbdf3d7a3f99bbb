// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/result.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace raid56 {
namespace {

Result<int> half(int n) {
    if (n % 2 != 0) return Error{"odd number: have " + std::to_string(n)};
    return n / 2;
}

Result<void> check(bool good) {
    if (!good) return Error{"not good"};
    return {};
}

TEST(Result, HoldsAValue) {
    const auto result = half(8);
    ASSERT_TRUE(result);
    EXPECT_TRUE(result.ok());
    EXPECT_EQ(*result, 4);
    EXPECT_EQ(result.value(), 4);
}

TEST(Result, HoldsAnError) {
    const auto result = half(7);
    ASSERT_FALSE(result);
    EXPECT_FALSE(result.ok());
    EXPECT_EQ(result.error().message, "odd number: have 7");
}

TEST(Result, TellsAnErrorFromAStringValue) {
    const Result<std::string> value(std::string("text"));
    const Result<std::string> error(Error{"text"});
    EXPECT_TRUE(value.ok());
    EXPECT_EQ(value->size(), 4u);
    EXPECT_FALSE(error.ok());
}

TEST(Result, CarriesWhatCanOnlyBeMoved) {
    Result<std::unique_ptr<int>> result(std::make_unique<int>(5));
    ASSERT_TRUE(result);
    EXPECT_EQ(**result, 5);
    const std::unique_ptr<int> taken = std::move(result).value();
    EXPECT_EQ(*taken, 5);
}

TEST(Result, OfVoid) {
    EXPECT_TRUE(check(true).ok());
    const auto result = check(false);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().message, "not good");
}

}  // namespace
}  // namespace raid56
