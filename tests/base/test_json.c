/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/testing.h"

#include <stdio.h>

#include "base/json.h"
#include "base/mem.h"

#include "base/poison.h"

static enum status parse(struct arena *a, struct str text, struct json **out,
	struct json_flags *flags, struct err *e)
{
	return json_parse(a, text, JSON_LIMITS_DEFAULT, out, flags, e);
}

/* Parses and writes again on one line. */
static struct str again(struct arena *a, struct str text, unsigned indent)
{
	struct sbuf out = sbuf_arena(a, 1u << 20);
	struct json_writer w = json_writer_of(&out, indent);
	struct json *v = NULL;
	struct err e = {};

	if (parse(a, text, &v, NULL, &e) != ST_OK)
		return (struct str){ "", 0 };
	json_put_tree(&w, NULL, v);
	assert_true(sbuf_ok(&out));
	return sbuf_str(&out);
}

/* RFC 8259: accepted texts, and how they are written again. */
static const struct {
	const char *text, *written;
} good[] = {
	{ "null", "null" },
	{ " true\r\n", "true" },
	{ "false\t", "false" },
	{ "0", "0" },
	{ "-0", "-0" },
	{ "-12.50e+3", "-12.50e+3" },
	{ "1E5", "1E5" },
	{ "[]", "[]" },
	{ "{ }", "{}" },
	{ "[ 1 , [ 2 ] ,{\"a\" : null}]", "[1,[2],{\"a\":null}]" },
	{ "\"\"", "\"\"" },
	{ "\"a\\u00e9\\/\\n\"", "\"a\xc3\xa9/\\n\"" },
	{ "\"\\ud83d\\ude00\"", "\"\xf0\x9f\x98\x80\"" },
	{ "\"\\u0000\\u001f\x7f\"", "\"\\u0000\\u001f\\u007f\"" },
	{ "\"\\b\\f\\n\\r\\t\\\"\\\\\"", "\"\\b\\f\\n\\r\\t\\\"\\\\\"" },
	{ "\"\\u2028\xc2\x9b\"", "\"\\u2028\\u009b\"" },
	{ "{\"a\\u0000b\":1}", "{\"a\\u0000b\":1}" },
	{ "\xef\xbb\xbf[1]", "[1]" },
};

static void good_texts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct arena *a = arena_must(0);
		struct str once = again(a, str_of(good[i].text), 0);

		assert_str(once, good[i].written);
		assert_str(again(a, once, 0), good[i].written);
		assert_str(again(a, again(a, once, 4), 0), good[i].written);
		arena_free(&a);
	}
}

static const struct {
	const char *text, *err;
} bad[] = {
	{ "", "line 1, column 1: the text ends early: expected a JSON value" },
	{ "[1,]", "line 1, column 4: expected a JSON value" },
	{ "[1 2]", "line 1, column 4: expected ',' or ']'" },
	{ "{\"a\"}", "line 1, column 5: expected ':' after the name" },
	{ "{a:1}", "line 1, column 2: expected a name in quotes" },
	{ "{\"a\":1,}", "line 1, column 8: expected a name in quotes" },
	{ "{\n\t\"a\": tru\n}", "line 2, column 7: expected a JSON value" },
	{ "[1] x", "line 1, column 5: something follows the JSON value" },
	{ "\"a\nb\"", "line 1, column 3: control characters in a string must "
		      "be escaped (RFC 8259 section 7)" },
	{ "\"a\\x\"", "line 1, column 3: no such escape (RFC 8259 section 7)" },
	{ "\"\\u12g4\"",
		"line 1, column 2: no such escape (RFC 8259 section 7)" },
	{ "\"abc", "line 1, column 5: the text ends early: "
		   "a string lacks its closing quote" },
	{ "\"abc\\", "line 1, column 6: the text ends early: "
		     "a string lacks its closing quote" },
	{ "01", "line 1, column 1: numbers have no leading zeros "
		"(RFC 8259 section 6)" },
	{ "-", "line 1, column 2: the text ends early: a digit is missing" },
	{ "1.x", "line 1, column 3: a digit is missing after the point" },
	{ "1e+", "line 1, column 4: the text ends early: "
		 "a digit is missing in the exponent" },
	{ "NaN", "line 1, column 1: expected a JSON value" },
	{ "'a'", "line 1, column 1: expected a JSON value" },
	{ "[1]//x", "line 1, column 4: something follows the JSON value" },
};

static void bad_texts_name_the_place(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct arena *a = arena_must(0);
		struct json *v = NULL;
		struct err e = {};

		assert_int_equal(parse(a, str_of(bad[i].text), &v, NULL, &e),
			ST_INVALID);
		assert_string_equal(e.text, bad[i].err);
		assert_null(v);
		arena_free(&a);
	}
}

static void flags_tell_what_was_mended(void **state)
{
	static const struct {
		const char *text;
		struct json_flags flags;
	} rows[] = {
		{ "{\"a\":1,\"b\":2}", {} },
		{ "{\"a\":1,\"\\u0061\":2}", { .duplicate_names = true } },
		{ "[{\"a\":1},{\"a\":2}]", {} },
		{ "\"\xe9\"", { .bad_utf8 = true } },
		{ "\"\xc0\xaf\"", { .bad_utf8 = true } },
		{ "\"\xed\xa0\x80\"", { .bad_utf8 = true } },
		{ "\"\xf4\x90\x80\x80\"", { .bad_utf8 = true } },
		{ "\"\\ud800x\"", { .bad_utf8 = true } },
		{ "\"\\ude00\"", { .bad_utf8 = true } },
		{ "\xef\xbb\xbf"
		  "1",
			{ .bom = true } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena *a = arena_must(0);
		struct json_flags got = {};
		struct json *v = NULL;

		assert_int_equal(
			parse(a, str_of(rows[i].text), &v, &got, NULL), ST_OK);
		assert_int_equal(
			got.duplicate_names, rows[i].flags.duplicate_names);
		assert_int_equal(got.bad_utf8, rows[i].flags.bad_utf8);
		assert_int_equal(got.bom, rows[i].flags.bom);
		arena_free(&a);
	}
}

static void bad_utf8_is_replaced(void **state)
{
	struct arena *a = arena_must(0);

	(void)state;
	assert_str(again(a, STR("\"a\xe9z\""), 0), "\"a\xef\xbf\xbdz\"");
	assert_str(again(a, STR("\"\\ud800z\""), 0), "\"\xef\xbf\xbdz\"");
	arena_free(&a);
}

/* More names than are compared pair by pair. */
static void many_names(void **state)
{
	struct arena *a = arena_must(0);

	(void)state;
	for (int twice = 0; twice < 2; twice++) {
		struct sbuf text = sbuf_arena(a, 1u << 16);
		struct json_flags flags = {};
		struct json *v = NULL;

		sbuf_addz(&text, twice ? "{\"n7\":0" : "{\"x\":0");
		for (int i = 0; i < 100; i++)
			sbuf_fmt(&text, ",\"n%d\":%d", i, i);
		sbuf_addz(&text, "}");
		assert_int_equal(
			parse(a, sbuf_str(&text), &v, &flags, NULL), ST_OK);
		assert_int_equal(flags.duplicate_names, twice);
		assert_int_equal(v->count, 101);
	}
	arena_free(&a);
}

static void places_and_accessors(void **state)
{
	struct str text = STR("{\"s\": \"x\",\n  \"n\": [-5, 7.0, true]}");
	struct arena *a = arena_must(0);
	const struct json *n;
	struct json *v = NULL;
	int64_t i = 99;

	(void)state;
	assert_int_equal(parse(a, text, &v, NULL, NULL), ST_OK);
	assert_str(json_get_str(v, "s"), "x");
	assert_null(json_get_str(v, "n").p);
	assert_null(json_get_str(v, "none").p);
	assert_null(json_get(NULL, "s"));
	n = json_get(v, "n");
	assert_int_equal(n->line, 2);
	assert_int_equal(n->column, 8);
	assert_int_equal(n->count, 3);
	assert_null(json_get(n, "n"));
	assert_ptr_equal(json_first(v, "n"), n->first);
	assert_null(json_first(v, "s"));
	assert_null(json_first(v, "none"));
	assert_int_equal(json_i64(n->first, 0, 9, &i), ST_LIMIT);
	assert_int_equal(i, 99);
	assert_int_equal(json_i64(n->first, -9, 9, &i), ST_OK);
	assert_int_equal(i, -5);
	assert_int_equal(json_i64(n->first->next, -9, 9, &i), ST_INVALID);
	assert_true(json_true(n->first->next->next));
	assert_false(json_true(n->first));
	arena_free(&a);
}

static void caps_hold(void **state)
{
	struct json_limits limits = { .depth = 2, .nodes = 4 };
	struct arena *a = arena_must(0), *small = arena_must(256);
	struct json *v = NULL;

	(void)state;
	assert_int_equal(
		json_parse(a, STR("[[1,2]]"), limits, &v, NULL, NULL), ST_OK);
	assert_int_equal(
		json_parse(a, STR("[[[]]]"), limits, &v, NULL, NULL), ST_LIMIT);
	assert_int_equal(
		json_parse(a, STR("[1,2,3,4]"), limits, &v, NULL, NULL),
		ST_LIMIT);
	assert_int_equal(
		parse(small, STR("[1,2,3,4]"), &v, NULL, NULL), ST_LIMIT);
	arena_free(&small);
	arena_free(&a);
}

#define SAMPLE                                                                 \
	"{\"a\": [1, -2.5e3, \"x\\u00e9\\ud83d\\ude00\", null],\n\"b\": "      \
	"{\"c\": true}}"

static void every_truncation_is_refused(void **state)
{
	(void)state;
	for (size_t n = 0; n < sizeof(SAMPLE) - 1; n++) {
		/* A copy of its own, so that a read beyond the end is seen. */
		char *copy = mem_must(n);
		struct arena *a = arena_must(0);
		struct json *v = NULL;

		memcpy(copy, SAMPLE, n);
		assert_int_equal(
			parse(a, (struct str){ copy, n }, &v, NULL, NULL),
			ST_INVALID);
		arena_free(&a);
		mem_free(copy);
	}
}

static void every_allocation_may_fail(void **state)
{
	enum status st = ST_LIMIT;

	(void)state;
	for (unsigned long n = 1; st != ST_OK; n++) {
		struct arena *a = arena_must(0);
		struct json *v = NULL;

		mem_fail_at(n);
		st = parse(a, STR(SAMPLE), &v, NULL, NULL);
		mem_fail_at(0);
		assert_true(st == ST_OK || st == ST_LIMIT);
		assert_true((st == ST_OK) == (v != NULL));
		arena_free(&a);
	}
}

static void writer_makes_readable_text(void **state)
{
	char room[256];
	struct sbuf out = sbuf_fixed(room, sizeof(room));
	struct json_writer w = json_writer_of(&out, 2);
	const struct str texts[] = { STR("x"), STR("y") };

	(void)state;
	json_open_object(&w, NULL);
	json_put_z(&w, "a", "x\"y");
	json_open_array(&w, "b");
	json_put_int(&w, NULL, -1);
	json_put_bool(&w, NULL, true);
	json_close_array(&w);
	json_open_object(&w, "c");
	json_close_object(&w);
	json_put_null(&w, "d");
	json_put_strs(&w, "e", texts, 2);
	json_put_strs(&w, "f", NULL, 0);
	json_close_object(&w);
	assert_str(sbuf_str(&out), "{\n  \"a\": \"x\\\"y\",\n  \"b\": [\n    "
				   "-1,\n    true\n  ],\n  \"c\": {},\n  "
				   "\"d\": null,\n  \"e\": [\n    \"x\",\n    "
				   "\"y\"\n  ],\n  \"f\": []\n}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_texts),
		cmocka_unit_test(bad_texts_name_the_place),
		cmocka_unit_test(flags_tell_what_was_mended),
		cmocka_unit_test(bad_utf8_is_replaced),
		cmocka_unit_test(many_names),
		cmocka_unit_test(places_and_accessors),
		cmocka_unit_test(caps_hold),
		cmocka_unit_test(every_truncation_is_refused),
		cmocka_unit_test(every_allocation_may_fail),
		cmocka_unit_test(writer_makes_readable_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
