/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/testing.h"

#include <stdio.h>

#include "base/base64.h"
#include "intake/mime.h"
#include "intake/unpack.h"
#include "io/gzip.h"

#include "base/poison.h"

#define REPORT                                                                 \
	"{\"organization-name\":\"X\",\"report-id\":\"1\",\"policies\":"       \
	"[{\"policy\":{\"policy-type\":\"no-policy-found\"},\"summary\":"      \
	"{\"total-successful-session-count\":7,"                               \
	"\"total-failure-session-count\":0}}]}"

#define HEAD                                                                   \
	"From: TLS reports <tls@sender.example>\r\n"                           \
	"To: tls@y.example\r\n"                                                \
	"Subject: Report Domain: subject.example\r\n"                          \
	" Submitter: sender.example Report-ID: <1@sender.example>\r\n"         \
	"MIME-Version: 1.0\r\n"
#define MULTIPART                                                              \
	HEAD "Content-Type: multipart/report; report-type=\"tlsrpt\"; "        \
	     "boundary=b\r\n\r\n"                                              \
	     "--b\r\nContent-Type: text/plain\r\n\r\nFor people.\r\n"
#define CLOSING "\r\n--b--\r\n"
#define NAME "sender.example!file.example!1700000000!1700086399!001.json"

/* @J is the report, @G its gzip in base64, @g as it is, @Z a zip archive. */
static const struct {
	const char *what;
	const char *raw;
	const char *domain; /* found in the mail; NULL: none */
} good[] = {
	{ "JSON", "@J", NULL },
	{ "JSON after a byte order mark", "\xef\xbb\xbf\n @J", NULL },
	{ "gzip", "@g", NULL },
	{ "zip", "@Z", NULL },
	{ "zip called gzip",
		MULTIPART "--b\r\nContent-Type: application/tlsrpt+gzip\r\n"
			  "Content-Transfer-Encoding: binary\r\n\r\n"
			  "@Z" CLOSING,
		"subject.example" },
	{ "zip by its content",
		MULTIPART "--b\r\nContent-Type: application/octet-stream\r\n"
			  "Content-Transfer-Encoding: binary\r\n\r\n"
			  "@Z" CLOSING,
		"subject.example" },
	{ "as section 5.3 says",
		MULTIPART "--b\r\nContent-Type: application/tlsrpt+gzip\r\n"
			  "Content-Transfer-Encoding: base64\r\n"
			  "Content-Disposition: attachment; filename=\"" NAME
			  ".gz\"\r\n\r\n@G" CLOSING,
		"file.example" },
	{ "folded fields among others",
		HEAD "Content-Type: multipart/report; report-type=tlsrpt;\r\n"
		     "\tboundary=\r\n b\r\n"
		     "X-Other: one,\r\n\tContent-Type: text/plain\r\n"
		     "Content-Description: folded\r\n\ttoo\r\n"
		     "Date: Sat, 21 Nov 2026\r\n 00:00:00 +0000\r\n\r\n"
		     "--b\r\nContent-Type: application/tlsrpt+json\r\n\r\n"
		     "@J" CLOSING,
		"subject.example" },
	{ "a line that is no field",
		"X-Other: y\r\nX Other: y\r\n" MULTIPART
		"--b\r\nContent-Type: application/tlsrpt+json\r\n\r\n"
		"@J" CLOSING,
		"subject.example" },
	{ "header field before file name",
		"TLS-Report-Domain: header.example\r\n" MULTIPART
		"--b\r\nContent-Type: application/tlsrpt+json\r\n"
		"Content-Disposition: attachment; filename=\"" NAME
		"\"\r\n\r\n@J" CLOSING,
		"header.example" },
	{ "media type without suffix, no file name",
		MULTIPART "--b\r\nContent-Type: application/tlsrpt\r\n\r\n"
			  "@J" CLOSING,
		"subject.example" },
	{ "octet-stream with a telling name",
		MULTIPART "--b\r\nContent-Type: application/octet-stream; "
			  "name=\"report.json.gz\"\r\n"
			  "Content-Transfer-Encoding: base64\r\n\r\n"
			  "@G" CLOSING,
		"subject.example" },
	{ "octet-stream without a name, told by content",
		MULTIPART "--b\r\nContent-Type: application/octet-stream\r\n"
			  "Content-Transfer-Encoding: base64\r\n\r\n"
			  "@G" CLOSING,
		"subject.example" },
	{ "gzip called zip",
		MULTIPART "--b\r\nContent-Type: application/zip\r\n"
			  "Content-Transfer-Encoding: base64\r\n\r\n"
			  "@G" CLOSING,
		"subject.example" },
	{ "JSON called gzip",
		MULTIPART "--b\r\nContent-Type: application/tlsrpt+gzip\r\n"
			  "\r\n@J" CLOSING,
		"subject.example" },
	{ "no closing boundary",
		MULTIPART "--b\r\nContent-Type: application/tlsrpt+json\r\n"
			  "\r\n@J\r\n",
		"subject.example" },
	{ "not a multipart",
		HEAD "Content-Type: application/tlsrpt+json\r\n\r\n@J",
		"subject.example" },
	{ "line feeds only",
		"From: a@sender.example\nTLS-Report-Domain: lf.example\n"
		"Content-Type: application/tlsrpt+json\n\n@J\n",
		"lf.example" },
	{ "an mbox line in front",
		"From a@sender.example Sat Nov 21 00:00:00 2026\n"
		"TLS-Report-Domain: mbox.example\n"
		"Content-Type: application/tlsrpt+json\n\n@J\n",
		"mbox.example" },
	{ "forwarded as message/rfc822",
		"From: me@y.example\r\nSubject: Fwd\r\n"
		"Content-Type: multipart/mixed; boundary=a\r\n\r\n"
		"--a\r\nContent-Type: message/rfc822\r\n\r\n" MULTIPART
		"--b\r\nContent-Type: application/tlsrpt+gzip\r\n"
		"Content-Transfer-Encoding: base64\r\n"
		"Content-Disposition: attachment; filename=\"" NAME
		".gz\"\r\n\r\n@G" CLOSING "\r\n--a--\r\n",
		"file.example" },
};

static void add_u(struct sbuf *b, size_t v, int bytes)
{
	for (; bytes > 0; bytes--, v >>= 8)
		sbuf_addc(b, (char)(v & 0xff));
}

/* The report as the file "r" of an archive, stored. */
static void add_zip(struct sbuf *b)
{
	static const char head[] = "\x14\0\0\0\0\0\0\0\0\0\0\0\0\0";
	struct str fixed = { head, sizeof(head) - 1 };
	size_t n = sizeof(REPORT) - 1;

	sbuf_addz(b, "PK\x03\x04");
	sbuf_add(b, fixed);
	add_u(b, n, 4);
	add_u(b, n, 4);
	add_u(b, 1, 4);
	sbuf_addz(b, "r" REPORT "PK\x01\x02");
	add_u(b, 20, 2);
	sbuf_add(b, fixed);
	add_u(b, n, 4);
	add_u(b, n, 4);
	add_u(b, 1, 2);
	add_u(b, 0, 16);
	sbuf_addz(b, "rPK\x05\x06");
	add_u(b, 0, 4);
	add_u(b, 1, 2);
	add_u(b, 1, 2);
	add_u(b, 47, 4);
	add_u(b, 31 + n, 4);
	add_u(b, 0, 2);
}

static struct str fill(struct arena *a, const char *raw)
{
	struct sbuf b = sbuf_arena(a, 1u << 20);
	struct str packed;

	assert_int_equal(gzip_pack(a, STR(REPORT), &packed), ST_OK);
	for (; *raw != '\0'; raw++) {
		if (*raw != '@' || strchr("JGgZ", raw[1]) == NULL) {
			sbuf_addc(&b, *raw);
			continue;
		}
		raw++;
		if (*raw == 'J')
			sbuf_addz(&b, REPORT);
		else if (*raw == 'Z')
			add_zip(&b);
		else if (*raw == 'G')
			base64_write(&b, packed);
		else
			sbuf_add(&b, packed);
	}
	return sbuf_str(&b);
}

static void reports_are_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct arena *a = arena_must(0);
		struct unpacked_reports found = {};
		const struct tlsrpt_policy *p;
		struct err e = {};

		if (unpack_reports(a, fill(a, good[i].raw), &found, &e) !=
			ST_OK)
			fail_msg("%s: %s", good[i].what, e.text);
		assert_int_equal(found.n, 1);
		p = found.items[0]->policies.items;
		assert_int_equal(p->successful_sessions, 7);
		assert_str(p->domain,
			good[i].domain == NULL ? "" : good[i].domain);
		arena_free(&a);
	}
}

static void two_reports_in_one_mail(void **state)
{
	struct arena *a = arena_must(0);
	struct unpacked_reports found = {};
	struct str raw = fill(a,
		MULTIPART "--b\r\nContent-Type: application/tlsrpt+json\r\n"
			  "\r\n@J\r\n--b\r\nContent-Type: application/json\r\n"
			  "\r\n{\"no\":\"report\"}\r\n"
			  "--b\r\nContent-Type: application/tlsrpt+json\r\n"
			  "\r\n@J" CLOSING);

	(void)state;
	assert_int_equal(unpack_reports(a, raw, &found, NULL), ST_OK);
	assert_int_equal(found.n, 2);
	arena_free(&a);
}

static void what_holds_no_report_says_why(void **state)
{
	static const struct {
		const char *raw, *err;
	} rows[] = {
		{ "", "this is neither JSON nor gzip nor zip nor a mail "
		      "(RFC 8460 section 5)" },
		{ "<xml/>", "this is neither JSON nor gzip nor zip nor a mail "
			    "(RFC 8460 section 5)" },
		{ "PK\x03\x04", "the zip archive has no end record" },
		{ "\x1f\x8b\x08", "the gzip data ends early (RFC 1952)" },
		{ "{\"a\":1}", "line 1, column 1: no TLS report: policies is "
			       "missing (RFC 8460 section 4)" },
		{ MULTIPART CLOSING, "the mail has no part with a TLS report "
				     "(RFC 8460 section 5.3)" },
		{ MULTIPART "--b\r\nContent-Type: application/tlsrpt+gzip\r\n"
			    "Content-Disposition: attachment; "
			    "filename=\"a\x1b.gz\"\r\n\r\n\x1f\x8b" CLOSING,
			"part a\\x1b.gz: the gzip data ends early "
			"(RFC 1952)" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena *a = arena_must(0);
		struct unpacked_reports found = {};
		struct err e = {};

		assert_int_equal(
			unpack_reports(a, str_of(rows[i].raw), &found, &e),
			ST_INVALID);
		assert_string_equal(e.text, rows[i].err);
		assert_int_equal(found.n, 0);
		arena_free(&a);
	}
}

static void floods_are_stopped(void **state)
{
	struct arena *a = arena_must(0);
	struct unpacked_reports found = {};
	struct sbuf b = sbuf_arena(a, 1u << 26);
	struct str bomb;
	size_t n = TLSRPT_JSON_BYTES_MAX + 1;
	char *zeros = arena_alloc(a, n);

	(void)state;
	assert_int_equal(gzip_pack(a, (struct str){ zeros, n }, &bomb), ST_OK);
	assert_int_equal(unpack_reports(a, bomb, &found, NULL), ST_LIMIT);

	/* too many parts */
	sbuf_addz(&b, MULTIPART);
	for (unsigned i = 0; i <= TLSRPT_MIME_PARTS_MAX; i++)
		sbuf_addz(&b, "--b\r\n\r\nx\r\n");
	assert_int_equal(
		unpack_reports(a, sbuf_str(&b), &found, NULL), ST_LIMIT);

	/* too deep */
	b = sbuf_arena(a, 1u << 26);
	for (unsigned i = 0; i <= TLSRPT_MIME_DEPTH_MAX; i++)
		sbuf_addz(&b, "From: a@b\r\nContent-Type: message/rfc822\r\n"
			      "\r\n");
	sbuf_addz(&b, "From: a@b\r\n\r\nx");
	assert_int_equal(
		unpack_reports(a, sbuf_str(&b), &found, NULL), ST_LIMIT);
	arena_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reports_are_found),
		cmocka_unit_test(two_reports_in_one_mail),
		cmocka_unit_test(what_holds_no_report_says_why),
		cmocka_unit_test(floods_are_stopped),
	};

	mime_prepare();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
