/* SPDX-License-Identifier: Apache-2.0 */
/* Netstrings, and the socketmap protocol in them. */
#include "base/mem.h"
#include "proto/netstring.h"
#include "proto/socketmap.h"
#include "tests/testing.h"

#include "base/poison.h"

#define MAX 100u

static void netstrings_whole(void **state)
{
	static const struct {
		const char *in;
		enum status st;
		const char *content;
		size_t used;
	} rows[] = {
		{ "5:hello,", ST_OK, "hello", 8 },
		{ "0:,", ST_OK, "", 3 },
		{ "1:,,", ST_OK, ",", 4 },
		{ "5:hello,3:you,", ST_OK, "hello", 8 },
		{ "", ST_AGAIN },
		{ "5", ST_AGAIN },
		{ "5:hello", ST_AGAIN },
		{ "100:", ST_AGAIN },
		{ "101", ST_LIMIT }, /* before its content came */
		{ "999999999999999999999999", ST_LIMIT },
		{ "5:hello;", ST_INVALID },
		{ ":,", ST_INVALID },
		{ "05:hello,", ST_INVALID }, /* no zeros in front */
		{ "00", ST_INVALID },
		{ "-1:,", ST_INVALID },
		{ "+1:a,", ST_INVALID },
		{ " 1:a,", ST_INVALID },
		{ "1 :a,", ST_INVALID },
		{ "0x1:a,", ST_INVALID },
		{ "GET / HTTP/1.1", ST_INVALID },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct str out = {};
		size_t used = 0;

		if (netstring_parse(str_of(rows[i].in), MAX, &out, &used) !=
			rows[i].st)
			fail_msg("%s", rows[i].in);
		if (rows[i].st != ST_OK)
			continue;
		assert_str(out, rows[i].content);
		assert_int_equal(used, rows[i].used);
	}
}

/* Cut anywhere it asks for more, and takes no byte behind its end. */
static void netstrings_in_pieces(void **state)
{
	const struct str whole = STR("11:hello world,");

	(void)state;
	for (size_t n = 0; n <= whole.n; n++) {
		char *copy = mem_must(n);
		struct str out;
		size_t used;

		memcpy(copy, whole.p, n);
		assert_int_equal(netstring_parse((struct str){ copy, n }, MAX,
					 &out, &used),
			n < whole.n ? ST_AGAIN : ST_OK);
		mem_free(copy);
	}
}

static void writing_then_reading_is_identity(void **state)
{
	static const struct str texts[] = { { "", 0 }, { "a", 1 },
		{ "3:a,", 4 }, { "\0\n\xff", 3 } };
	char room[64];

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct sbuf b = sbuf_fixed(room, sizeof(room));
		struct str out;
		size_t used;

		netstring_write(&b, texts[i]);
		assert_true(sbuf_ok(&b));
		assert_int_equal(
			netstring_parse(sbuf_str(&b), MAX, &out, &used), ST_OK);
		assert_true(str_eq(out, texts[i]));
		assert_int_equal(used, b.n);
	}
}

static void requests(void **state)
{
	static const struct {
		const char *content, *name, *key; /* name NULL: no request */
	} rows[] = {
		{ "sts example.com", "sts", "example.com" },
		{ "sts [example.com]:25", "sts", "[example.com]:25" },
		/* "%s %s": whatever the key is, blanks and nothing too */
		{ "sts a b  c", "sts", "a b  c" },
		{ "sts ", "sts", "" },
		{ " example.com", "", "example.com" },
		{ "sts", NULL },
		{ "", NULL },
	};
	char room[64];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct sbuf b = sbuf_fixed(room, sizeof(room));
		struct socketmap_request r;
		struct str content;
		size_t used;

		assert_int_equal(
			socketmap_request_parse(str_of(rows[i].content), &r),
			rows[i].name == NULL ? ST_INVALID : ST_OK);
		if (rows[i].name == NULL)
			continue;
		assert_str(r.name, rows[i].name);
		assert_str(r.key, rows[i].key);
		socketmap_request_write(&b, &r);
		assert_int_equal(
			netstring_parse(sbuf_str(&b),
				SOCKETMAP_REQUEST_BYTES_MAX, &content, &used),
			ST_OK);
		assert_str(content, rows[i].content);
	}
}

static void replies(void **state)
{
	static const struct {
		enum socketmap_status status;
		const char *text, *content;
	} rows[] = {
		{ SOCKETMAP_OK, "secure", "OK secure" },
		{ SOCKETMAP_NOTFOUND, "", "NOTFOUND " },
		{ SOCKETMAP_TEMP, "no DNS now", "TEMP no DNS now" },
		{ SOCKETMAP_TIMEOUT, "slow", "TIMEOUT slow" },
		{ SOCKETMAP_PERM, "what?", "PERM what?" },
	};
	static const char *const bad[] = { "", "OK", "ok x", "NOTFOUND",
		"OKAY x", " OK x" };
	enum socketmap_status status;
	struct str text;
	char room[64];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct sbuf b = sbuf_fixed(room, sizeof(room));

		socketmap_reply_write(&b, rows[i].status, str_of(rows[i].text));
		assert_str(sbuf_str(&b), rows[i].content);
		assert_int_equal(
			socketmap_reply_parse(sbuf_str(&b), &status, &text),
			ST_OK);
		assert_int_equal(status, rows[i].status);
		assert_str(text, rows[i].text);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(
			socketmap_reply_parse(str_of(bad[i]), &status, &text),
			ST_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(netstrings_whole),
		cmocka_unit_test(netstrings_in_pieces),
		cmocka_unit_test(writing_then_reading_is_identity),
		cmocka_unit_test(requests),
		cmocka_unit_test(replies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
