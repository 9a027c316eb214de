/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/sts_lint.h"
#include "base/sbuf.h"
#include "proto/sts_policy.h"
#include "tests/parser_laws.h"

#include "base/poison.h"

#define TOP "version: STSv1\nmode: enforce\nmx: mx.moat.test\n"
#define OLD TOP "max_age: 2000000\n"

/* The findings as "FIL-02:3", an error with "!", a warning with "?". */
static struct str ids(struct arena *a, const struct finding_list *list)
{
	struct sbuf b = sbuf_arena(a, 4000);

	for (size_t i = 0; i < list->n; i++)
		sbuf_fmt(&b, "%s%s:%u%s", i == 0 ? "" : " ", list->items[i].id,
			list->items[i].line,
			list->items[i].level == FINDING_ERROR	  ? "!"
			: list->items[i].level == FINDING_WARNING ? "?"
								  : "");
	return sbuf_str(&b);
}

static void every_check_has_its_line(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ OLD, "" },
		{ "", "FIL-01:0! FIL-02:0! FIL-04:0!" },
		{ "version: STSv2\nmode: none\nmax_age: 90000\n",
			"FIL-01:1! FIL-03:2" },
		{ "version: STSv1\nmode: on\nmax_age: 90000\n", "FIL-02:2!" },
		{ "version: STSv1\nmode: report\nmax_age: 90000\n",
			"FIL-02:2!" },
		{ "version: STSv1\nmode: testing\nmax_age: 90000\nmx: a.test",
			"FIL-03:2" },
		{ TOP "max_age: x\n", "FIL-04:4!" },
		{ TOP "max_age: 31557601\n", "FIL-04:4!" },
		{ TOP "max_age: 86399\n", "FIL-05:4?" },
		{ TOP "max_age: 86400\n", "FIL-05:4" },
		{ TOP "max_age: 1209600\n", "" },
		{ TOP "max_age: 15552001\n", "FIL-06:4" },
		{ "version: STSv1\nmode: enforce\nmax_age: 2000000\n",
			"FIL-07:0!" },
		{ OLD "mx: a.test b.test\nmx: *.a.*.test\n",
			"FIL-08:5! FIL-08:6!" },
		{ OLD "mode: none\nversion: STSv9\n", "FIL-09:5? FIL-09:6?" },
		{ "\xef\xbb\xbf" OLD, "FIL-10:1!" },
		{ OLD "x: \xc3\xa9\n", "FIL-10:5? FIL-12:5" },
		{ OLD "x: \xc3\n", "FIL-10:5!" },
		{ OLD "\n", "FIL-11:5!" },
		{ OLD "x: a\rb\n", "FIL-11:5!" },
		{ OLD "modes: none\nMAX-AGE: 1\nfoo: bar\n",
			"FIL-12:5 FIL-12:6 FIL-12:7" },
		{ OLD "mx: mail.example.com\n", "FIL-13:5?" },
		{ OLD "mode enforce\n", "FIL-14:5!" },
		{ OLD "_x: 1\n", "FIL-14:5!" },
		{ TOP "max_age:\n", "FIL-14:4!" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena *a = arena_must(0);
		struct finding_list list = finding_list_of(a);
		struct sts_policy policy;
		struct str got;

		sts_lint_policy(str_of(rows[i].text), &list);
		got = ids(a, &list);
		if (!str_eq(got, str_of(rows[i].want)))
			fail_msg("%s: %.*s", rows[i].text, STR_ARG(got));
		assert_int_equal(sts_policy_parse(a, str_of(rows[i].text),
					 &policy, NULL),
			ST_OK);
		/* An error says that senders refuse it, nothing else does. */
		assert_int_equal(list.worst == FINDING_ERROR,
			policy.outcome == STS_POLICY_INVALID);
		arena_free(&a);
	}
}

static void size_and_length(void **state)
{
	static char text[70000];
	struct arena *a = arena_must(0);
	struct finding_list list = finding_list_of(a);

	(void)state;
	memset(text, 'a', sizeof(text));
	memcpy(text, OLD "x: ", strlen(OLD "x: "));
	sts_lint_policy((struct str){ text, sizeof(text) }, &list);
	assert_str(ids(a, &list), "POL-17:0! FIL-11:5? FIL-12:5");
	arena_free(&a);
}

/* RFC 8461 sections 3.2 and 3.3: only 200, text/plain with any parameters. */
static void how_it_is_served(void **state)
{
	static const struct {
		unsigned status;
		const char *type, *want;
	} rows[] = {
		{ 200, "text/plain", "" },
		{ 200, "Text/Plain; charset=utf-8", "" },
		{ 200, "text/plain ;x", "" },
		{ 200, "text/html", "POL-14:0!" },
		{ 200, "text/plainer", "POL-14:0!" },
		{ 200, "", "POL-14:0!" },
		{ 301, "text/plain", "POL-13:0!" },
		{ 404, "text/html", "POL-12:0! POL-14:0!" },
		{ 204, "text/plain", "POL-12:0!" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena *a = arena_must(0);
		struct finding_list list = finding_list_of(a);

		sts_lint_served(rows[i].status, str_of(rows[i].type), &list);
		assert_str(ids(a, &list), rows[i].want);
		arena_free(&a);
	}
}

static enum status parse(struct arena *a, struct str text)
{
	struct finding_list list = finding_list_of(a);

	sts_lint_policy(text, &list);
	return list.failed ? ST_LIMIT : ST_OK;
}

static void laws(void **state)
{
	const struct str text = STR("version: STSv2\r\nmode: report\r\nmax_age"
				    ": 1\r\nmx: *.*\r\nmx:\r\nMx: 2\rx\n\n"
				    "x: \xc3\xa9\n\xff");

	(void)state;
	law_truncated(parse, text);
	law_no_memory(parse, text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_check_has_its_line),
		cmocka_unit_test(size_and_length),
		cmocka_unit_test(how_it_is_served),
		cmocka_unit_test(laws),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
