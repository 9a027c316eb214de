/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/sts_record.h"
#include "tests/parser_laws.h"

#include "base/poison.h"

#define ID32 "0123456789abcdefghijABCDEFGHIJ32"

struct row {
	const char *texts[3];
	enum sts_record_outcome want;
	const char *id;
};

static void check(const struct row *row)
{
	struct str texts[3];
	struct sts_record got;
	struct err why = {};
	size_t n = 0;

	while (n < 3 && row->texts[n] != NULL) {
		texts[n] = str_of(row->texts[n]);
		n++;
	}
	got = sts_record_select(texts, n, &why);
	if (got.outcome != row->want)
		fail_msg("%s: outcome %d, %s", row->texts[0], got.outcome,
			why.text);
	if (row->want == STS_RECORD_VALID)
		assert_str(got.id, row->id);
	else
		assert_true(why.text[0] != '\0');
}

static void grammar(void **state)
{
	static const struct row rows[] = {
		/* RFC 8461 section 3.1, sts-text-record */
		{ { "v=STSv1; id=20261121T194000;" }, STS_RECORD_VALID,
			"20261121T194000" },
		{ { "v=STSv1;id=1" }, STS_RECORD_VALID, "1" },
		{ { "v=STSv1; \tid=1 \t; " }, STS_RECORD_VALID, "1" },
		{ { "v=STSv1; id=" ID32 }, STS_RECORD_VALID, ID32 },
		/* erratum 6285: white space before the first semicolon */
		{ { "v=STSv1 ;id=1" }, STS_RECORD_VALID, "1" },
		{ { "v=STSv1\t ; id=1" }, STS_RECORD_VALID, "1" },
		/* extensions are ignored, in any order */
		{ { "v=STSv1; x-y_z.1=%21:; id=1" }, STS_RECORD_VALID, "1" },
		{ { "v=STSv1; ID=2; id=1" }, STS_RECORD_VALID, "1" },
		/* "all entries except for the first SHALL be ignored" */
		{ { "v=STSv1; id=1; id=2" }, STS_RECORD_VALID, "1" },
		{ { "v=STSv1; id=1; id=not-an-id" }, STS_RECORD_VALID, "1" },
		{ { "v=STSv1; id=a-b; id=1" }, STS_RECORD_INVALID, NULL },
		/* and what the grammar does not give */
		{ { "v=STSv1;" }, STS_RECORD_INVALID, NULL },
		{ { "v=STSv1; ;id=1" }, STS_RECORD_INVALID, NULL },
		{ { "v=STSv1;; id=1" }, STS_RECORD_INVALID, NULL },
		{ { "v=STSv1; id=1;;" }, STS_RECORD_INVALID, NULL },
		{ { "v=STSv1; id=1 " }, STS_RECORD_INVALID, NULL },
		{ { "v=STSv1; id= 1" }, STS_RECORD_INVALID, NULL },
		{ { "v=STSv1; id =1" }, STS_RECORD_INVALID, NULL },
		{ { "v=STSv1; id" }, STS_RECORD_INVALID, NULL },
		{ { "v=STSv1; id=" }, STS_RECORD_INVALID, NULL },
		{ { "v=STSv1; id=" ID32 "x" }, STS_RECORD_INVALID, NULL },
		{ { "v=STSv1; id=a_b" }, STS_RECORD_INVALID, NULL },
		{ { "v=STSv1; id=\"1\"" }, STS_RECORD_INVALID, NULL },
		{ { "v=STSv1; id=1; x=a=b" }, STS_RECORD_INVALID, NULL },
		{ { "v=STSv1; id=1; x=" }, STS_RECORD_INVALID, NULL },
		{ { "v=STSv1; id=1; -x=1" }, STS_RECORD_INVALID, NULL },
		{ { "v=STSv1; id=1; x=\xc3\xa9" }, STS_RECORD_INVALID, NULL },
		{ { "v=STSv1; id=1; " ID32 "x=1" }, STS_RECORD_INVALID, NULL },
		{ { "v=STSv1; id=1; " ID32 "=1" }, STS_RECORD_VALID, "1" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check(&rows[i]);
}

static void selection(void **state)
{
	static const struct row rows[] = {
		/* "records that do not begin with "v=STSv1;" are discarded" */
		{ {}, STS_RECORD_NONE, NULL },
		{ { "" }, STS_RECORD_NONE, NULL },
		{ { "v=spf1 -all", "site=1" }, STS_RECORD_NONE, NULL },
		{ { "V=STSv1; id=1" }, STS_RECORD_NONE, NULL },
		{ { "v=STSv1" }, STS_RECORD_NONE, NULL },
		{ { "v=STSv11; id=1" }, STS_RECORD_NONE, NULL },
		{ { " v=STSv1; id=1" }, STS_RECORD_NONE, NULL },
		{ { "id=1; v=STSv1;" }, STS_RECORD_NONE, NULL },
		{ { "v=spf1 -all", "v=STSv1; id=1" }, STS_RECORD_VALID, "1" },
		/* "if the number of resulting records is not one" */
		{ { "v=STSv1; id=1", "v=STSv1; id=1" }, STS_RECORD_SEVERAL,
			NULL },
		{ { "v=STSv1 ; id=1", "v=STSv1; id=2" }, STS_RECORD_SEVERAL,
			NULL },
		{ { "v=STSv1; id=1", "x", "v=STSv1;" }, STS_RECORD_SEVERAL,
			NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check(&rows[i]);
}

static enum status parse(struct arena *a, struct str text)
{
	(void)a;
	return sts_record_select(&text, 1, NULL).outcome == STS_RECORD_VALID
		       ? ST_OK
		       : ST_INVALID;
}

static void laws(void **state)
{
	char text[64];
	struct sbuf b = sbuf_fixed(text, sizeof(text));
	struct sts_record got;
	struct str s;

	(void)state;
	law_truncated(parse, STR("v=STSv1 ; id=20261121T194000 ; x-y=1; z=2;"));
	sts_record_write(&b, STR("20261121T194000Z"));
	s = sbuf_str(&b);
	assert_true(sbuf_ok(&b));
	assert_str(s, "v=STSv1; id=20261121T194000Z;");
	got = sts_record_select(&s, 1, NULL);
	assert_int_equal(got.outcome, STS_RECORD_VALID);
	assert_str(got.id, "20261121T194000Z");
}

static void long_records_are_refused(void **state)
{
	char text[5000];
	struct str s = { text, sizeof(text) };

	(void)state;
	memset(text, 'a', sizeof(text));
	memcpy(text, "v=STSv1; id=1; x=", 17);
	assert_int_equal(
		sts_record_select(&s, 1, NULL).outcome, STS_RECORD_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grammar),
		cmocka_unit_test(selection),
		cmocka_unit_test(laws),
		cmocka_unit_test(long_records_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
