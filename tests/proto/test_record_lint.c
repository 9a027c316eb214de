/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/record_lint.h"
#include "base/sbuf.h"
#include "proto/sts_record.h"
#include "proto/tlsrpt_record.h"
#include "tests/parser_laws.h"

#include "base/poison.h"

#define S "v=STSv1; "
#define T "v=TLSRPTv1; "

struct row {
	const char *texts[3];
	const char *want; /* an error with "!", a warning with "?" */
};

static struct str ids(struct arena *a, const struct finding_list *list)
{
	struct sbuf b = sbuf_arena(a, 4000);

	for (size_t i = 0; i < list->n; i++)
		sbuf_fmt(&b, "%s%s%s", i == 0 ? "" : " ", list->items[i].id,
			list->items[i].level == FINDING_ERROR	  ? "!"
			: list->items[i].level == FINDING_WARNING ? "?"
								  : "");
	return sbuf_str(&b);
}

static size_t texts_of(const struct row *row, struct str *texts)
{
	size_t n = 0;

	for (; n < 3 && row->texts[n] != NULL; n++)
		texts[n] = str_of(row->texts[n]);
	return n;
}

static void sts_records(void **state)
{
	static const struct row rows[] = {
		{ { S "id=1;" }, "" },
		{ {}, "STS-01!" },
		{ { "v=spf1 -all" }, "STS-04? STS-01!" },
		{ { S "id=1", S "id=2" }, "STS-03!" },
		{ { S "id=1", "v=spf1 -all" }, "STS-04?" },
		{ { "v=STSv1" }, "STS-05! STS-01!" },
		{ { "V=stsv1; id=1" }, "STS-05! STS-01!" },
		{ { "id=1; v=STSv1;" }, "STS-05! STS-01!" },
		{ { "\"v=STSv1; id=1\"" }, "STS-05! STS-01!" },
		{ { S "id=1", "v=STSv2; id=1" }, "STS-05?" },
		{ { S }, "STS-06!" },
		{ { S "x=1" }, "STS-10 STS-06!" },
		{ { S "ID=1" }, "STS-10 STS-06!" },
		{ { S "id=2026-01-01" }, "STS-07!" },
		{ { S "id=" }, "STS-07!" },
		{ { S "id=1; id=2" }, "STS-08?" },
		{ { S "id=1;;" }, "STS-09!" },
		{ { S "id=1 " }, "STS-09!" },
		{ { S "id=1; x" }, "STS-09!" },
		{ { S "id=1; x=\xe2\x80\x9c" }, "STS-09!" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena *a = arena_must(0);
		struct finding_list list = finding_list_of(a);
		struct str texts[3], got;
		size_t n = texts_of(&rows[i], texts);

		record_lint_sts(texts, n, &list);
		got = ids(a, &list);
		if (!str_eq(got, str_of(rows[i].want)))
			fail_msg("%s: %.*s", rows[i].texts[0], STR_ARG(got));
		assert_int_equal(list.worst == FINDING_ERROR,
			sts_record_select(texts, n, NULL).outcome !=
				STS_RECORD_VALID);
		arena_free(&a);
	}
}

static void tlsrpt_records(void **state)
{
	static const struct row rows[] = {
		{ { T "rua=mailto:a@b.test" }, "" },
		{ {}, "RPT-01!" },
		{ { T "rua=mailto:a@b.test", T }, "RPT-03!" },
		{ { "v=TLSRPTv2; rua=mailto:a@b.test" }, "RPT-04! RPT-01!" },
		{ { "rua=mailto:a@b.test" }, "RPT-04! RPT-01!" },
		{ { T }, "RPT-05!" },
		{ { T "rua=" }, "RPT-05!" },
		{ { T "rua=a@b.test" }, "RPT-06!" },
		{ { T "rua=http://b.test" }, "RPT-06!" },
		{ { T "rua=mailto:b.test" }, "RPT-07!" },
		{ { T "rua=mailto:a@b.test!10m" }, "RPT-07!" },
		{ { T "rua=mailto:a@b.test,https://c.test" }, "RPT-10?" },
		{ { T "rua=mailto:a@b.test; rua=https://c.test" }, "RPT-10?" },
		{ { T "rua=mailto:a@b.test; x=1" }, "RPT-11" },
		{ { T "rua=mailto:a@b.test;;" }, "RPT-16!" },
		{ { T "rua=mailto:a@b.test; y=" }, "RPT-16!" },
		{ { T "rua=mailto:a@b.test", "v=spf1 -all" }, "RPT-17?" },
		{ { T "rua=mailto:a@b.test " }, "RPT-18?" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena *a = arena_must(0);
		struct finding_list list = finding_list_of(a);
		struct tlsrpt_record rec;
		struct str texts[3], got;
		size_t n = texts_of(&rows[i], texts);

		record_lint_tlsrpt(texts, n, &list);
		got = ids(a, &list);
		if (!str_eq(got, str_of(rows[i].want)))
			fail_msg("%s: %.*s", rows[i].texts[0], STR_ARG(got));
		assert_int_equal(
			tlsrpt_record_select(a, texts, n, &rec, NULL), ST_OK);
		assert_int_equal(list.worst == FINDING_ERROR,
			rec.outcome != TLSRPT_RECORD_VALID);
		arena_free(&a);
	}
}

static enum status parse(struct arena *a, struct str text)
{
	struct finding_list list = finding_list_of(a);

	record_lint_sts(&text, 1, &list);
	record_lint_tlsrpt(&text, 1, &list);
	return list.failed ? ST_LIMIT : ST_OK;
}

static void laws(void **state)
{
	const struct str sts = STR(S "id=a-b; ;x; id=1; \xff=1; y=z ");
	const struct str rpt = STR(T "rua=mailto:a@b.test,,x; rua=; y=\t");

	(void)state;
	law_truncated(parse, sts);
	law_truncated(parse, rpt);
	law_no_memory(parse, sts);
	law_no_memory(parse, rpt);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sts_records),
		cmocka_unit_test(tlsrpt_records),
		cmocka_unit_test(laws),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
