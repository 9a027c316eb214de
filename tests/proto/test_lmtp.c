/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/testing.h"

#include <stdio.h>

#include "base/arena.h"
#include "base/sbuf.h"
#include "proto/lmtp.h"

#include "base/poison.h"

#define MAX_BYTES 100
#define GREETING "220 mx.example LMTP\r\n"
#define LHLO "LHLO a\r\n"
#define LHLO_REPLY                                                             \
	"250-mx.example\r\n250-PIPELINING\r\n250-ENHANCEDSTATUSCODES\r\n"      \
	"250-8BITMIME\r\n250-SMTPUTF8\r\n250-XFORWARD ADDR\r\n250 SIZE "       \
	"100\r\n"
#define MAIL "MAIL FROM:<a@b.example>\r\n"
#define MAIL_OK "250 2.1.0 OK\r\n"
#define XFORWARD_WHEN "XFORWARD comes between LHLO and MAIL\r\n"
#define NEEDS_UTF8 "an address beyond ASCII needs SMTPUTF8 (RFC 6531)\r\n"
#define RCPT "RCPT TO:<good@c.example>\r\n"
#define RCPT_OK "250 2.1.5 good@c.example\r\n"
#define DATA "DATA\r\n"
#define GO_ON "354 go on\r\n"
#define TAKEN "250 2.0.0 taken\r\n"

/* What a session came to. */
struct run {
	struct arena *a;
	struct sbuf said, content; /* replies; messages, each with a '|' */
	bool closed;
};

/* Takes recipients whose local part begins with "good". */
static void on_recipient(struct lmtp *l)
{
	struct lmtp_path *p = &l->recipient;
	char text[200];

	(void)snprintf(text, sizeof(text), "2.1.5 %.*s@%.*s", (int)p->n_local,
		p->local, (int)p->n_domain, p->domain);
	if (str_starts((struct str){ p->local, p->n_local }, STR("good")))
		lmtp_answer(l, 250, text);
	else
		lmtp_answer(l, 550, "5.1.1 unknown");
}

static void flush(struct run *r, struct lmtp *l)
{
	sbuf_add(&r->said, lmtp_output(l));
	lmtp_output_took(l, lmtp_output(l).n);
}

static void on_end(struct run *r, struct lmtp *l)
{
	bool big = l->too_big;

	sbuf_addc(&r->content, '|');
	for (size_t n = l->n_recipients; n > 0; n--)
		lmtp_answer(l, big ? 552 : 250,
			big ? "5.3.4 too big" : "2.0.0 taken");
}

/* One piece of input; false: closed. */
static bool feed(struct run *r, struct lmtp *l, struct str in)
{
	struct str piece;

	for (;;) {
		switch (lmtp_next(l, &in, &piece)) {
		case LMTP_READ:
			assert_int_equal(in.n, 0);
			return true;
		case LMTP_WRITE:
			flush(r, l);
			break;
		case LMTP_RECIPIENT:
			on_recipient(l);
			break;
		case LMTP_MESSAGE:
			lmtp_answer(l,
				str_starts((struct str){ l->sender.local,
						   l->sender.n_local },
					STR("busy"))
					? 452
					: 354,
				"go on");
			break;
		case LMTP_CONTENT:
			sbuf_add(&r->content, piece);
			break;
		case LMTP_END:
			on_end(r, l);
			break;
		case LMTP_CLOSE:
			return false;
		}
	}
}

static struct run session(struct str in, size_t step)
{
	struct run r = { .a = arena_must(0) };
	struct lmtp *l = arena_alloc(r.a, sizeof(*l));

	r.said = sbuf_arena(r.a, 1u << 20);
	r.content = sbuf_arena(r.a, 1u << 20);
	lmtp_init(l, "mx.example", MAX_BYTES);
	while (in.n > 0 && !r.closed) {
		/* In memory of its own, so that reads beyond it are seen. */
		struct arena *a = arena_must(0);

		r.closed = !feed(&r, l, arena_str(a, str_upto(in, step)));
		in = str_from(in, step);
		arena_free(&a);
	}
	flush(&r, l);
	return r;
}

static const struct {
	const char *rule;
	const char *in;
	const char *said; /* after the greeting */
	const char *content;
	bool closed;
} rows[] = {
	{ "RFC 2033 4.1: LHLO", LHLO, LHLO_REPLY, "" },
	{ "RFC 2033 4.1: no HELO, no EHLO", "EHLO a\r\nhelo a\r\n",
		"500 5.5.1 this is LMTP: LHLO (RFC 2033)\r\n"
		"500 5.5.1 this is LMTP: LHLO (RFC 2033)\r\n",
		"" },
	{ "a whole message, pipelined (RFC 2920)",
		LHLO MAIL RCPT DATA "a: b\r\n\r\nc\r\n.\r\nQUIT\r\n",
		LHLO_REPLY MAIL_OK RCPT_OK GO_ON TAKEN "221 2.0.0 bye\r\n",
		"a: b\r\n\r\nc\r\n|", true },
	{ "RFC 2033 4.2: a reply for each recipient that was accepted",
		LHLO MAIL RCPT "RCPT TO:<bad@c.example>\r\n"
			       "RCPT TO:<good+x@c.example>\r\n" DATA
			       "c\r\n.\r\nNOOP\r\n",
		LHLO_REPLY MAIL_OK RCPT_OK
		"550 5.1.1 unknown\r\n250 2.1.5 good+x@c.example\r\n" GO_ON
			TAKEN TAKEN "250 2.0.0 OK\r\n",
		"c\r\n|" },
	{ "RFC 2033 4.2: DATA without a recipient",
		LHLO MAIL "RCPT TO:<bad@c.example>\r\n" DATA,
		LHLO_REPLY MAIL_OK "550 5.1.1 unknown\r\n"
				   "503 5.5.1 no recipient was accepted\r\n",
		"" },
	{ "RFC 5321 4.5.2: stuffed dots",
		LHLO MAIL RCPT DATA "..\r\n...a\r\n.b\r\n.\r\n",
		LHLO_REPLY MAIL_OK RCPT_OK GO_ON TAKEN, ".\r\n..a\r\nb\r\n|" },
	{ "an empty message", LHLO MAIL RCPT DATA ".\r\n",
		LHLO_REPLY MAIL_OK RCPT_OK GO_ON TAKEN, "|" },
	{ "8-bit bytes and NUL in a message are kept",
		LHLO "MAIL FROM:<> BODY=8BITMIME SIZE=5\r\n" RCPT DATA
		     "\xff\r\n.\r\n",
		LHLO_REPLY MAIL_OK RCPT_OK GO_ON TAKEN, "\xff\r\n|" },
	{ "smuggling: LF . LF ends nothing",
		LHLO MAIL RCPT DATA "a\n.\nMAIL FROM:<x@y>\r\n.\r\n",
		LHLO_REPLY MAIL_OK RCPT_OK GO_ON TAKEN,
		"a\n.\nMAIL FROM:<x@y>\r\n|" },
	{ "smuggling: LF . CR LF ends nothing",
		LHLO MAIL RCPT DATA "a\n.\r\nb\r\n.\r\n",
		LHLO_REPLY MAIL_OK RCPT_OK GO_ON TAKEN, "a\n.\r\nb\r\n|" },
	{ "smuggling: CR . CR ends nothing",
		LHLO MAIL RCPT DATA "a\r.\rb\r\n.\r\r\n.\rc\r\n.\r\n",
		LHLO_REPLY MAIL_OK RCPT_OK GO_ON TAKEN,
		"a\r.\rb\r\n\r\r\n\rc\r\n|" },
	{ "smuggling: CR LF . LF ends nothing",
		LHLO MAIL RCPT DATA "a\r\n.\nb\r\n.\r\n",
		LHLO_REPLY MAIL_OK RCPT_OK GO_ON TAKEN, "a\r\n\nb\r\n|" },
	{ "a bare LF in a command", "LHLO a\nMAIL FROM:<x@y>\r\n",
		"500 5.5.2 a line ends in CR LF\r\n", "", true },
	{ "a bare CR in a command", "LHLO a\rb\r\n",
		"500 5.5.2 a line ends in CR LF\r\n", "", true },
	{ "a web page's form", "POST / HTTP/1.1\r\nHost: x\r\n\r\n",
		"421 4.7.0 this is LMTP\r\n", "", true },
	{ "a message that may not come now",
		LHLO "MAIL FROM:<busy@b.example>\r\n" RCPT DATA,
		LHLO_REPLY MAIL_OK RCPT_OK "452 go on\r\n", "" },
	{ "RFC 1870 6.1: SIZE beyond what is taken",
		LHLO "MAIL FROM:<a@b.example> SIZE=101\r\n" RCPT,
		LHLO_REPLY "552 5.3.4 the message is too big\r\n"
			   "503 5.5.1 MAIL first\r\n",
		"" },
	{ "paths: source route, quotes, postmaster, null",
		LHLO "mail from: <@x.example,@y.example:a@b.example>\r\n"
		     "RCPT TO:<\"good \\\"x\"@c.example>\r\n"
		     "RCPT TO:<goodmaster>\r\nRSET\r\nMAIL FROM:<>\r\n",
		LHLO_REPLY MAIL_OK "250 2.1.5 good \"x@c.example\r\n"
				   "250 2.1.5 goodmaster@\r\n"
				   "250 2.0.0 OK\r\n" MAIL_OK,
		"" },
	{ "paths that are none",
		LHLO "MAIL FROM:a@b.example\r\nMAIL FROM:<a b@c>\r\n" MAIL
		     "RCPT TO:<>\r\nRCPT TO:<a@>\r\nRCPT TO:<a@b>x\r\n"
		     "RCPT TO:<a@b> X=1\r\n",
		LHLO_REPLY "501 5.1.7 this is no reverse-path\r\n"
			   "501 5.1.7 this is no reverse-path\r\n" MAIL_OK
			   "501 5.1.3 this is no forward-path\r\n"
			   "501 5.1.3 this is no forward-path\r\n"
			   "501 5.1.3 this is no forward-path\r\n"
			   "555 5.5.4 a parameter that is not offered\r\n",
		"" },
	{ "RFC 6531 3.4: addresses in UTF-8 with SMTPUTF8",
		LHLO "MAIL FROM:<j\xc3\xb6@b\xc3\xbc.example> SMTPUTF8\r\n"
		     "RCPT TO:<good\xc3\xb6@c\xc3\xbc.example>\r\n"
		     "RCPT TO:<\"good \xc3\xb6\"@c>\r\n" RCPT,
		LHLO_REPLY MAIL_OK
		"250 2.1.5 good\xc3\xb6@c\xc3\xbc.example\r\n"
		"250 2.1.5 good \xc3\xb6@c\r\n" RCPT_OK,
		"" },
	{ "RFC 6531 3.5: without it they are refused",
		LHLO "MAIL FROM:<j\xc3\xb6@b.example>\r\n" MAIL
		     "RCPT TO:<good\xc3\xb6@c.example>\r\n"
		     "RCPT TO:<good@c\xc3\xb6.example>\r\n",
		LHLO_REPLY "550 5.6.7 " NEEDS_UTF8 MAIL_OK
			   "553 5.6.7 " NEEDS_UTF8 "553 5.6.7 " NEEDS_UTF8,
		"" },
	{ "RFC 6531 3.6: one transaction has it, the next has not",
		LHLO "MAIL FROM:<> SMTPUTF8\r\nRSET\r\n" MAIL
		     "RCPT TO:<good\xc3\xb6@c.example>\r\n",
		LHLO_REPLY MAIL_OK "250 2.0.0 OK\r\n" MAIL_OK
				   "553 5.6.7 " NEEDS_UTF8,
		"" },
	{ "XFORWARD outside a mail, and ADDR alone",
		"XFORWARD ADDR=192.0.2.1\r\n" LHLO
		"XFORWARD ADDR=192.0.2.1\r\nXFORWARD ADDR=[UNAVAILABLE]\r\n"
		"XFORWARD NAME=x\r\nXFORWARD\r\n" MAIL
		"XFORWARD ADDR=192.0.2.1\r\n",
		"503 5.5.1 " XFORWARD_WHEN LHLO_REPLY
		"250 2.0.0 OK\r\n250 2.0.0 OK\r\n"
		"501 5.5.4 XFORWARD ADDR=address\r\n"
		"501 5.5.4 XFORWARD ADDR=address\r\n" MAIL_OK
		"503 5.5.1 " XFORWARD_WHEN,
		"" },
	{ "what is no UTF-8 is no address",
		LHLO "MAIL FROM:<j\xc3@b.example> SMTPUTF8\r\n"
		     "MAIL FROM:<\xff@b.example> SMTPUTF8\r\n"
		     "MAIL FROM:<a@\xc0\xaf> SMTPUTF8\r\n"
		     "MAIL FROM:<> SMTPUTF8=1\r\n",
		LHLO_REPLY "501 5.1.7 this is no reverse-path\r\n"
			   "501 5.1.7 this is no reverse-path\r\n"
			   "501 5.1.7 this is no reverse-path\r\n"
			   "555 5.5.4 a parameter that is not offered\r\n",
		"" },
	{ "order", MAIL LHLO RCPT MAIL MAIL "DATA x\r\nVRFY a\r\nXYZ\r\n",
		"503 5.5.1 LHLO first\r\n" LHLO_REPLY
		"503 5.5.1 MAIL first\r\n" MAIL_OK
		"503 5.5.1 MAIL was given already\r\n"
		"501 5.5.4 DATA takes no argument\r\n"
		"421 4.7.0 pipelined behind refused DATA\r\n",
		"", true },
	{ "what is refused", "VRFY a\r\nXYZ\r\nLHLO\r\n",
		"502 5.5.1 not offered here\r\n"
		"500 5.5.2 unknown command\r\n"
		"501 5.5.4 LHLO needs a name (RFC 2033)\r\n",
		"" },
};

static void check(size_t i, size_t step)
{
	struct run r = session(str_of(rows[i].in), step);
	const char *want = arena_fmt(r.a, "%s%s", GREETING, rows[i].said).p;
	bool same = str_eq(sbuf_str(&r.said), str_of(want)) &&
		    str_eq(sbuf_str(&r.content), str_of(rows[i].content)) &&
		    r.closed == rows[i].closed;

	/* What is pipelined is told by what has come, which step changes. */
	if (!same && !(step < 100 && strstr(rows[i].said, "pipelined")))
		fail_msg("%s (%zu): %.*s", rows[i].rule, step,
			STR_ARG(sbuf_str(&r.said)));
	arena_free(&r.a);
}

static void sessions(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t step = 1; step <= 1000; step *= 10)
			check(i, step);
}

/* It is of one mail, and its end forgets it. */
static void the_client_of_a_mail(void **state)
{
	static const struct {
		const char *in, *client;
	} steps[] = {
		{ LHLO, "" },
		{ "XFORWARD ADDR=IPV6:2001:db8::1\r\n" MAIL,
			"IPV6:2001:db8::1" },
		{ RCPT DATA "x\r\n", "IPV6:2001:db8::1" },
		{ ".\r\n", "" },
		{ "XFORWARD ADDR=192.0.2.1\r\n", "192.0.2.1" },
		{ "RSET\r\n", "" },
	};
	struct run r = { .a = arena_must(0) };
	struct lmtp *l = arena_alloc(r.a, sizeof(*l));

	(void)state;
	r.said = sbuf_arena(r.a, 1u << 20);
	r.content = sbuf_arena(r.a, 1u << 20);
	lmtp_init(l, "mx.example", MAX_BYTES);
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		assert_true(feed(&r, l, str_of(steps[i].in)));
		assert_str(((struct str){ l->client, l->n_client }),
			steps[i].client);
	}
	arena_free(&r.a);
}

/* The first client to give up a byte early gets no message stored. */
static void truncated_at_every_offset(void **state)
{
	struct str in = STR(LHLO MAIL RCPT DATA "a\r\n..b\r\n.\r\n");

	(void)state;
	for (size_t n = 0; n < in.n; n++) {
		struct run r = session(str_upto(in, n), 7);

		assert_false(r.closed);
		assert_int_equal(str_index(sbuf_str(&r.content), '|'), -1);
		arena_free(&r.a);
	}
}

static void many(struct sbuf *b, const char *line, unsigned n)
{
	while (n-- > 0)
		sbuf_addz(b, line);
}

static size_t count(struct str s, const char *what)
{
	size_t n = 0;

	for (; s.n > 0; s = str_from(s, 1))
		n += str_starts(s, str_of(what));
	return n;
}

static void caps(void **state)
{
	struct arena *a = arena_must(0);
	struct sbuf b = sbuf_arena(a, 1u << 20);
	struct run r;

	(void)state;
	/* A message that is too big is read to its end and not kept. */
	sbuf_addz(&b, LHLO MAIL RCPT DATA);
	many(&b, "0123456789\r\n", 20);
	sbuf_addz(&b, ".\r\n" MAIL RCPT DATA "x\r\n.\r\n");
	r = session(sbuf_str(&b), 100);
	assert_int_equal(count(sbuf_str(&r.said), "552 5.3.4"), 1);
	assert_int_equal(count(sbuf_str(&r.said), "250 2.0.0 taken"), 1);
	assert_true(r.content.n <= MAX_BYTES + 5);
	arena_free(&r.a);
	/* Recipients beyond the cap come back later (RFC 5321 4.5.3.1.10). */
	b = sbuf_arena(a, 1u << 20);
	sbuf_addz(&b, LHLO MAIL);
	many(&b, RCPT, LMTP_RECIPIENTS_MAX + 3);
	sbuf_addz(&b, DATA "x\r\n.\r\n");
	r = session(sbuf_str(&b), 1u << 20);
	assert_int_equal(count(sbuf_str(&r.said), "452 4.5.3"), 3);
	assert_int_equal(count(sbuf_str(&r.said), TAKEN), LMTP_RECIPIENTS_MAX);
	arena_free(&r.a);
	/* Errors, and a line without an end. */
	b = sbuf_arena(a, 1u << 20);
	many(&b, "XYZ\r\n", LMTP_ERRORS_MAX + 5);
	r = session(sbuf_str(&b), 1000);
	assert_true(r.closed);
	assert_int_equal(
		count(sbuf_str(&r.said), "500 5.5.2"), LMTP_ERRORS_MAX - 1);
	arena_free(&r.a);
	b = sbuf_arena(a, 1u << 20);
	many(&b, "0123456789", LMTP_LINE_MAX / 10 + 1);
	r = session(sbuf_str(&b), 1000);
	assert_true(r.closed);
	arena_free(&r.a);
	arena_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sessions),
		cmocka_unit_test(the_client_of_a_mail),
		cmocka_unit_test(truncated_at_every_offset),
		cmocka_unit_test(caps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
