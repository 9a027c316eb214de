/* SPDX-License-Identifier: Apache-2.0 */
/*
 * num: numbers from text. Digits only (one leading '-' for signed), the whole
 * input, range-checked; the output stays untouched unless ST_OK. ST_INVALID
 * means not a number, ST_LIMIT out of the given range.
 */
#pragma once

#include <stdint.h>

#include "base/status.h"
#include "base/str.h"

enum status num_u64(struct str s, uint64_t min, uint64_t max, uint64_t *out);
enum status num_u32(struct str s, uint32_t min, uint32_t max, uint32_t *out);
enum status num_i64(struct str s, int64_t min, int64_t max, int64_t *out);
