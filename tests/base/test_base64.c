/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base64.h"
#include "base/mem.h"
#include "tests/testing.h"

#include "base/poison.h"

typedef void (*writer)(struct sbuf *b, struct str bytes);
typedef enum status (*reader)(
	struct arena *a, struct str text, struct str *out);

/* RFC 4648 section 10 */
static void vectors_of_the_rfc(void **state)
{
	static const char *const rows[][4] = {
		{ "", "", "", "" },
		{ "f", "Zg==", "Zg", "66" },
		{ "fo", "Zm8=", "Zm8", "666f" },
		{ "foo", "Zm9v", "Zm9v", "666f6f" },
		{ "foob", "Zm9vYg==", "Zm9vYg", "666f6f62" },
		{ "fooba", "Zm9vYmE=", "Zm9vYmE", "666f6f6261" },
		{ "foobar", "Zm9vYmFy", "Zm9vYmFy", "666f6f626172" },
		{ "\xff\xfe\xfd", "//79", "__79", "fffefd" },
	};
	const writer writers[] = { base64_write, base64url_write, hex_write };
	const reader readers[] = { base64_parse, base64url_parse, hex_parse };
	struct arena *a = arena_must(0);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (size_t k = 0; k < 3; k++) {
			struct sbuf b = sbuf_arena(a, 100);
			struct str back;

			writers[k](&b, str_of(rows[i][0]));
			assert_str(sbuf_str(&b), rows[i][k + 1]);
			assert_int_equal(
				readers[k](a, sbuf_str(&b), &back), ST_OK);
			assert_str(back, rows[i][0]);
		}
	}
	arena_free(&a);
}

static void each_value_has_one_spelling(void **state)
{
	static const char *const bad64[] = { "Z", "Zg",
		"Zg=", "Zg===", "Zh==", "Zm9=", "=",
		"====", "Zg==Zg==", "Zm 9v", "Zm9v\n", "Zm_v" };
	static const char *const bad_url[] = { "Z", "Zh", "Zg==", "Zm+v",
		"Zm9vYmF=" };
	static const char *const bad_hex[] = { "6", "6g", "6A", "0x66", " 66" };
	struct arena *a = arena_must(0);
	struct str out = STR("untouched");

	(void)state;
	for (size_t i = 0; i < sizeof(bad64) / sizeof(bad64[0]); i++)
		if (base64_parse(a, str_of(bad64[i]), &out) != ST_INVALID)
			fail_msg("%s", bad64[i]);
	for (size_t i = 0; i < sizeof(bad_url) / sizeof(bad_url[0]); i++)
		if (base64url_parse(a, str_of(bad_url[i]), &out) != ST_INVALID)
			fail_msg("%s", bad_url[i]);
	for (size_t i = 0; i < sizeof(bad_hex) / sizeof(bad_hex[0]); i++)
		if (hex_parse(a, str_of(bad_hex[i]), &out) != ST_INVALID)
			fail_msg("%s", bad_hex[i]);
	mem_fail_at(1);
	assert_int_equal(hex_parse(a, STR("66"), &out), ST_OK);
	mem_fail_at(0);
	assert_str(out, "f");
	arena_free(&a);
}

static void no_memory_is_survived(void **state)
{
	struct arena *a = arena_must(8);
	struct str out = STR("untouched");

	(void)state;
	assert_int_equal(base64_parse(a, STR("Zm9v"), &out), ST_LIMIT);
	assert_int_equal(base64url_parse(a, STR("Zm9v"), &out), ST_LIMIT);
	assert_int_equal(hex_parse(a, STR("66"), &out), ST_LIMIT);
	assert_str(out, "untouched");
	arena_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors_of_the_rfc),
		cmocka_unit_test(each_value_has_one_spelling),
		cmocka_unit_test(no_memory_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
