/* SPDX-License-Identifier: Apache-2.0 */
/* Digest mails: what is said, and that strangers cannot say it otherwise. */
#include <string.h>

#include "proto/tlsrpt_digest.h"
#include "tests/testing.h"

#include "base/poison.h"

#define CAP 65536u
#define DAY 1795219200 /* 2026-11-21 */

static char bytes[CAP];

static const char *text_of(const struct tlsrpt_digest *d)
{
	struct sbuf b = sbuf_fixed(bytes, sizeof(bytes));

	tlsrpt_digest_text(&b, d);
	sbuf_addc(&b, '\0');
	assert_true(sbuf_ok(&b));
	return bytes;
}

static const char *subject_of(const struct tlsrpt_digest *d)
{
	struct sbuf b = sbuf_fixed(bytes, sizeof(bytes));

	tlsrpt_digest_subject(&b, d);
	sbuf_addc(&b, '\0');
	assert_true(sbuf_ok(&b));
	return bytes;
}

static void check_has(const char *text, const char *part)
{
	if (strstr(text, part) == NULL)
		fail_msg("no \"%s\" in\n%s", part, text);
}

static struct tlsrpt_digest_failure failure = { STR("d.example"),
	STR("certificate-expired"), 12, 2, 0 };
static struct tlsrpt_digest_reporter reporter = { STR("google.com"), 7, 0 };
static struct tlsrpt_digest_alert alerts[] = {
	{ .id = STR("a1"),
		.kind = STR("failure"),
		.domain = STR("d.example"),
		.item = STR("certificate-expired"),
		.what = STR("certificate-expired in 12 sessions"),
		.is_new = true },
	{ .id = STR("a2"),
		.domain = STR("e.example"),
		.what = STR("no report from example.org since Monday"),
		.is_known = true },
	{ .id = STR("a3"), .what = STR("it was bad"), .is_over = true },
};
static struct tlsrpt_digest_domain domain = { STR("f.example"),
	STR("the CNAME is gone") };

static struct tlsrpt_digest whole(void)
{
	return (struct tlsrpt_digest){ .from = DAY,
		.to = DAY + 86400,
		.sums = { 10, 9988, 12 },
		.sums_before = { 9, 5000, 0 },
		.unproven = { 1, 5, 5 },
		.quarantined = 3,
		.unreadable = 1,
		.failures = &failure,
		.n_failures = 1,
		.reporters = &reporter,
		.n_reporters = 1,
		.alerts = alerts,
		.n_alerts = 3,
		.domains = &domain,
		.n_domains = 1 };
}

static void everything_is_said(void **state)
{
	static const char *const parts[] = {
		"your domains on 2026-11-21, in UTC.\n",
		"SESSIONS\n10 reports: 9988 sessions went well, 12 failed "
		"(0.1 %)\nThe day before: 9 reports: 5000 sessions went well, "
		"0 failed (0.0 %)\n",
		"may have made up: 1 report:\n5 sessions went well, 5 failed "
		"(50.0 %)\n",
		"\nWHAT BROKE\n* d.example: certificate-expired in 12 "
		"sessions\n  The certificate of your MX host is out of date",
		"  moat alert show a1\n",
		"\nSTILL OPEN\n* e.example: no report from example.org since "
		"Monday (acknowledged)\n",
		"\nOVER\n* it was bad\n",
		"\nWHAT FAILED\n* d.example: certificate-expired, 12 sessions, "
		"told by 2 reporters, new\n\n",
		"\nDOMAINS THAT NEED A LOOK\n* f.example: the CNAME is gone\n",
		"\nWHO REPORTS\n* google.com, 7 reports, for the first time in "
		"a month\n",
		"\nSET ASIDE\n* 1 report could not be read: moat report "
		"unreadable\n* 3 reports in quarantine",
	};
	struct tlsrpt_digest d = whole();

	(void)state;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		check_has(text_of(&d), parts[i]);
	assert_string_equal(
		subject_of(&d), "daily digest 2026-11-21: 2 alerts open");
}

static void subjects(void **state)
{
	struct tlsrpt_digest d = { .weekly = true, .from = DAY, .to = DAY };

	(void)state;
	assert_true(tlsrpt_digest_is_empty(&d));
	assert_string_equal(
		subject_of(&d), "weekly digest 2026-11-21: no reports");
	d.sums.reports = 1;
	assert_false(tlsrpt_digest_is_empty(&d));
	assert_string_equal(
		subject_of(&d), "weekly digest 2026-11-21: all went well");
	d.sums.failed = 1;
	assert_string_equal(
		subject_of(&d), "weekly digest 2026-11-21: 1 session failed");
	d.n_domains = 1;
	assert_string_equal(subject_of(&d),
		"weekly digest 2026-11-21: a domain needs a look");
	d.unreadable = 1;
	assert_false(tlsrpt_digest_is_empty(&d));
}

/* Nothing that is not nothing is shown as nothing; sums do not overflow. */
static void shares(void **state)
{
	struct tlsrpt_digest d = { .sums = { 1, INT64_MAX / 2, 1 } };

	(void)state;
	check_has(text_of(&d), "1 failed (less than 0.1 %)");
	d.sums = (struct tlsrpt_digest_sums){ 1, 0, INT64_MAX / 2 };
	check_has(text_of(&d), "(100.");
}

/* No text of a stranger makes a line, or a long one. */
static void strangers_stay_in_their_line(void **state)
{
	static char noise[2000];
	struct tlsrpt_digest_failure f[TLSRPT_DIGEST_ROWS_MAX + 1];
	struct tlsrpt_digest d = whole();
	struct str bad = { noise, sizeof(noise) };
	const char *text;

	(void)state;
	for (size_t i = 0; i < sizeof(noise); i++)
		noise[i] = (char)(i % 7 == 0 ? '\n' : (int)(i % 256));
	for (size_t i = 0; i < sizeof(f) / sizeof(f[0]); i++)
		f[i] = (struct tlsrpt_digest_failure){ bad, bad, 1, 1, 1 };
	d.failures = f;
	d.n_failures = sizeof(f) / sizeof(f[0]);
	d.reporters = &(struct tlsrpt_digest_reporter){ bad, 1, 1 };
	d.alerts = &(struct tlsrpt_digest_alert){
		.id = bad, .domain = bad, .item = bad, .what = bad
	};
	d.n_alerts = 1;
	d.domains = &(struct tlsrpt_digest_domain){ bad, bad };
	text = text_of(&d);
	check_has(text, "  and others: moat report by result\n");
	for (const char *line = text; *line != '\0';) {
		const char *end = strchr(line, '\n');

		assert_non_null(end);
		assert_true(end - line <= 76);
		for (; line < end; line++)
			assert_true(*line >= ' ' && *line <= '~');
		line = end + 1;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_is_said),
		cmocka_unit_test(subjects),
		cmocka_unit_test(shares),
		cmocka_unit_test(strangers_stay_in_their_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
