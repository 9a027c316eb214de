/* SPDX-License-Identifier: Apache-2.0 */
/* num: strict decimal numbers. */
#include "base/num.h"

#include "base/poison.h"

enum status num_u64(struct str s, uint64_t min, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;
	bool over = false;

	if (s.n == 0)
		return ST_INVALID;
	for (size_t i = 0; i < s.n; i++) {
		if (!chr_is_digit(s.p[i]))
			return ST_INVALID;
		over |= __builtin_mul_overflow(v, 10, &v);
		over |= __builtin_add_overflow(v, s.p[i] - '0', &v);
	}
	if (over || v < min || v > max)
		return ST_LIMIT;
	*out = v;
	return ST_OK;
}

enum status num_u32(struct str s, uint32_t min, uint32_t max, uint32_t *out)
{
	uint64_t v;
	enum status st = num_u64(s, min, max, &v);

	if (st == ST_OK)
		*out = (uint32_t)v;
	return st;
}

enum status num_i64(struct str s, int64_t min, int64_t max, int64_t *out)
{
	bool minus = s.n > 0 && s.p[0] == '-';
	uint64_t v, most = (uint64_t)INT64_MAX + minus;
	int64_t signed_v;
	enum status st;

	st = num_u64(str_from(s, minus ? 1 : 0), 0, most, &v);
	if (st != ST_OK)
		return st;
	/* -v by way of -1 - (v - 1), so that INT64_MIN does not overflow. */
	signed_v = minus && v > 0 ? -1 - (int64_t)(v - 1) : (int64_t)v;
	if (signed_v < min || signed_v > max)
		return ST_LIMIT;
	*out = signed_v;
	return ST_OK;
}
