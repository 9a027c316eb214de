/* SPDX-License-Identifier: Apache-2.0 */
#include "base/wire.h"
#include "tests/testing.h"

#include "base/poison.h"

static void writing_then_reading(void **state)
{
	unsigned char bytes[64];
	struct wire_out out = wire_out_of(bytes, sizeof(bytes));
	struct wire_in in;

	(void)state;
	wire_put_u8(&out, 0x01);
	wire_put_u16(&out, 0x0203);
	wire_put_u32(&out, 0x04050607);
	wire_put_u64(&out, UINT64_C(0x08090a0b0c0d0e0f));
	wire_put_str(&out, STR("abc"));
	wire_put_bytes(&out, STR("de"));
	wire_patch_u16(&out, 1, 0xfeff);
	assert_false(out.failed);
	assert_memory_equal(bytes, "\x01\xfe\xff\x04\x05\x06\x07\x08\x09", 9);
	in = wire_in_of(wire_out_str(&out));
	assert_int_equal(wire_u8(&in), 1);
	assert_int_equal(wire_u16(&in), 0xfeff);
	assert_int_equal(wire_u32(&in), 0x04050607);
	assert_true(wire_u64(&in) == UINT64_C(0x08090a0b0c0d0e0f));
	assert_str(wire_str(&in), "abc");
	assert_int_equal(wire_left(&in), 2);
	assert_false(wire_done(&in));
	assert_str(wire_bytes(&in, 2), "de");
	assert_true(wire_done(&in));
}

static void errors_stick(void **state)
{
	unsigned char bytes[4];
	struct wire_out out = wire_out_of(bytes, sizeof(bytes));
	struct wire_in in = wire_in_of(STR("\x00\x00\x00\x05"
					   "abcd"));

	(void)state;
	assert_str(wire_str(&in), "");
	assert_false(wire_ok(&in));
	assert_int_equal(wire_u8(&in), 0);
	assert_int_equal(wire_left(&in), 0);
	in = wire_in_of(STR("\xff\xff\xff\xff"));
	assert_str(wire_str(&in), "");
	assert_false(wire_ok(&in));
	in = wire_in_of((struct str){});
	assert_true(wire_done(&in));
	assert_int_equal(wire_u64(&in), 0);
	assert_false(wire_done(&in));

	wire_put_u16(&out, 1);
	wire_put_u32(&out, 2);
	assert_true(out.failed);
	wire_put_u8(&out, 3);
	assert_int_equal(wire_out_str(&out).n, 2);
	out = wire_out_of(bytes, sizeof(bytes));
	wire_put_u16(&out, 1);
	wire_patch_u16(&out, 1, 1);
	assert_true(out.failed);
}

/* Counts are held against the bytes that are left. */
static void lists_are_as_long_as_their_input(void **state)
{
	const struct str list[] = { STR("a"), STR(""), STR("bcd") };
	struct arena *a = arena_must(1024);
	unsigned char bytes[64];
	struct wire_out out = wire_out_of(bytes, sizeof(bytes));
	struct wire_in in;
	struct str *items;
	void *p;
	size_t n;

	(void)state;
	wire_put_strs(&out, list, 3);
	in = wire_in_of(wire_out_str(&out));
	assert_int_equal(wire_strs(&in, a, &items, &n), ST_OK);
	assert_true(wire_done(&in));
	assert_int_equal(n, 3);
	for (size_t i = 0; i < n; i++)
		assert_true(str_eq(items[i], list[i]));

	bytes[3] = 5; /* of 16 bytes */
	in = wire_in_of(wire_out_str(&out));
	assert_int_equal(wire_strs(&in, a, &items, &n), ST_INVALID);
	bytes[3] = 4;
	in = wire_in_of(wire_out_str(&out));
	assert_int_equal(wire_strs(&in, a, &items, &n), ST_OK);
	assert_false(wire_ok(&in));
	in = wire_in_of(wire_out_str(&out));
	assert_int_equal(wire_array(&in, a, 1, 1024, &p, &n), ST_LIMIT);
	in = wire_in_of(STR("\x00\x00"));
	assert_int_equal(wire_array(&in, a, 1, 1, &p, &n), ST_INVALID);
	arena_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writing_then_reading),
		cmocka_unit_test(errors_stick),
		cmocka_unit_test(lists_are_as_long_as_their_input),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
