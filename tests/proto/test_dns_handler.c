/* SPDX-License-Identifier: Apache-2.0 */
/* dns_msg, dns_answer and dns_handler together: packet in, packet out. */
#include <stdio.h>

#include "tests/dns_memory.h"
#include "tests/proto/dns_text.h"
#include "tests/testing.h"

#include "proto/dns_handler.h"

#include "base/poison.h"

#define ZONE "sts.example.net"

struct fixture {
	struct arena *arena;
	struct dns_handler handler;
	unsigned char buf[DNS_MSG_MAX];
	struct dns_request request;
	struct dns_result result;
	char text[16384]; /* the answer as text */
};

static struct dns_name name_of(const char *text)
{
	struct dns_name name;

	assert_int_equal(dns_name_parse(str_of(text), &name), ST_OK);
	return name;
}

static int setup(void **state)
{
	static struct fixture f;

	f = (struct fixture){ .arena = arena_must(0) };
	f.handler.source = dns_memory_source();
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	dns_memory_set_broken(false);
	arena_free(&f->arena);
	return 0;
}

static void write_rr(struct sbuf *b, struct str msg, const struct dns_rr *rr)
{
	struct dns_soa soa;

	dns_name_write(b, &rr->owner);
	sbuf_fmt(b, " %u ", rr->ttl);
	type_write(b, rr->type);
	sbuf_addc(b, ' ');
	if (rr->type == DNS_TYPE_SOA) {
		assert_int_equal(dns_rr_soa_read(msg, rr, &soa), ST_OK);
		sbuf_fmt(b, "%u", soa.serial);
	} else if (rr->type == DNS_TYPE_CNAME || rr->type == DNS_TYPE_NS) {
		struct wire_in in = wire_in_of(msg);
		struct dns_name name;

		in.at = rr->rdata_at;
		name = dns_name_read(&in);
		assert_true(wire_ok(&in));
		assert_int_equal(in.at, rr->rdata_at + rr->rdata.n);
		dns_name_write(b, &name);
	} else {
		dns_rdata_write(b, rr->type, rr->rdata);
	}
	sbuf_addc(b, '\n');
}

/* The answer as "RCODE FLAGS" and a line per record; OPT left out. */
static void show(struct fixture *f)
{
	static const char *const section[] = { "", "an", "au", "ad" };
	struct str msg = { (char *)f->buf, f->result.n };
	struct wire_in in = wire_in_of(msg);
	struct dns_header h = dns_header_read(&in);
	struct sbuf b = sbuf_fixed(f->text, sizeof(f->text) - 1);

	assert_true((h.flags & DNS_QR) != 0);
	sbuf_fmt(&b, "%u%s%s\n", h.flags & 0xf,
		(h.flags & DNS_AA) != 0 ? " aa" : "",
		(h.flags & DNS_TC) != 0 ? " tc" : "");
	for (size_t i = 0; i < h.count[DNS_QUESTION]; i++)
		(void)dns_question_read(&in);
	for (size_t i = DNS_ANSWER; i <= DNS_ADDITIONAL; i++) {
		for (size_t k = 0; k < h.count[i]; k++) {
			struct dns_rr rr = dns_rr_read(&in);

			assert_true(wire_ok(&in));
			if (rr.type == DNS_TYPE_OPT)
				continue;
			sbuf_fmt(&b, "%s ", section[i]);
			write_rr(&b, msg, &rr);
		}
	}
	assert_true(wire_done(&in));
	assert_true(sbuf_ok(&b));
	f->text[b.n] = 0;
}

static void handle(struct fixture *f, enum dns_transport t, struct str msg)
{
	struct ip_addr peer = ip_addr_v4((const uint8_t[]){ 192, 0, 2, 9 });

	arena_reset(f->arena);
	dns_handle(&f->handler, f->arena, t, &peer, 1000, msg, f->buf,
		&f->request, &f->result);
	f->text[0] = 0;
	if (f->result.kind == DNS_RESULT_ANSWER)
		show(f);
}

static void ask(struct fixture *f, enum dns_transport t, const char *name,
	uint16_t type, bool edns)
{
	unsigned char p[DNS_UDP_MAX];
	struct dns_question q = {
		.name = name_of(name), .type = type, .class = DNS_CLASS_IN
	};
	struct dns_writer w;
	size_t n;

	dns_writer_request(&w, p, sizeof(p), 0x1234, DNS_RD, &q, edns);
	n = dns_writer_finish(&w);
	handle(f, t, (struct str){ (char *)p, n });
}

#define SOA_AU "au " ZONE " 60 SOA 7\n"

static void questions_get_their_answers(void **state)
{
	static const struct {
		const char *name;
		uint16_t type;
		const char *want;
	} rows[] = {
		/* data */
		{ ZONE, DNS_TYPE_SOA, "0 aa\nan " ZONE " 300 SOA 7\n" },
		{ ZONE, DNS_TYPE_NS,
			"0 aa\nan " ZONE " 300 NS ns1." ZONE "\nan " ZONE
			" 300 NS ns2.example.org\n" },
		{ "id1." ZONE, DNS_TYPE_A,
			"0 aa\nan id1." ZONE " 300 A 192.0.2.1\n" },
		{ "ID1.STS.example.NET", DNS_TYPE_AAAA,
			"0 aa\nan ID1.STS.example.NET 300 AAAA 2001:db8::1\n" },
		{ "id1." ZONE, DNS_TYPE_CAA,
			"0 aa\nan id1." ZONE
			" 300 CAA 0 issue \"ca.example\"\n" },
		{ "_mta-sts.id1." ZONE, DNS_TYPE_TXT,
			"0 aa\nan _mta-sts.id1." ZONE
			" 300 TXT \"v=STSv1; id=20261121T194000Z\"\n" },
		/* RFC 2308 section 2.2: NODATA; also at an ENT */
		{ "id1." ZONE, DNS_TYPE_MX, "0 aa\n" SOA_AU },
		{ "_tls.id1." ZONE, DNS_TYPE_TXT, "0 aa\n" SOA_AU },
		/* RFC 2308 section 2.1: NXDOMAIN */
		{ "nothing." ZONE, DNS_TYPE_A, "3 aa\n" SOA_AU },
		{ "x.id1." ZONE, DNS_TYPE_A, "3 aa\n" SOA_AU },
		/* RFC 1034 section 4.3.2 step 3a: CNAME */
		{ "alias." ZONE, DNS_TYPE_A,
			"0 aa\nan alias." ZONE " 300 CNAME id1." ZONE
			"\nan id1." ZONE " 300 A 192.0.2.1\n" },
		{ "alias." ZONE, DNS_TYPE_CNAME,
			"0 aa\nan alias." ZONE " 300 CNAME id1." ZONE "\n" },
		{ "alias." ZONE, DNS_TYPE_MX,
			"0 aa\nan alias." ZONE " 300 CNAME id1." ZONE
			"\n" SOA_AU },
		/* RFC 6604 section 3: the rcode of the last name */
		{ "dangling." ZONE, DNS_TYPE_A,
			"3 aa\nan dangling." ZONE " 300 CNAME nothing." ZONE
			"\n" SOA_AU },
		{ "out." ZONE, DNS_TYPE_A,
			"0 aa\nan out." ZONE " 300 CNAME www.example.org\n" },
		/* RFC 8482 section 4.1: one record set */
		{ "id1." ZONE, DNS_TYPE_ANY,
			"0 aa\nan id1." ZONE " 300 A 192.0.2.1\n" },
		{ "nothing." ZONE, DNS_TYPE_ANY, "3 aa\n" SOA_AU },
		/* not ours */
		{ "example.net", DNS_TYPE_A, "5\n" },
		{ "xsts.example.net", DNS_TYPE_A, "5\n" },
		{ ".", DNS_TYPE_NS, "5\n" },
		{ ZONE, DNS_TYPE_OPT, "5\n" },
		{ ZONE, DNS_TYPE_TSIG, "5\n" },
		{ ZONE, DNS_TYPE_AXFR, "5\n" },
		{ ZONE, DNS_TYPE_IXFR, "5\n" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		for (int edns = 0; edns < 2; edns++) {
			ask(f, DNS_UDP, rows[i].name, rows[i].type, edns);
			assert_string_equal(f->text, rows[i].want);
			ask(f, DNS_TCP, rows[i].name, rows[i].type, edns);
			assert_string_equal(f->text, rows[i].want);
		}
	}
}

static void cname_loops_end(void **state)
{
	struct fixture *f = *state;

	ask(f, DNS_TCP, "loop." ZONE, DNS_TYPE_A, false);
	assert_true(str_starts(str_of(f->text), STR("0 aa\nan loop.")));
	assert_int_equal(f->buf[7], DNS_CNAME_CHAIN_MAX + 1);
}

/* RFC 2181 section 9, RFC 6891 section 6.2.5. */
static void long_answers_are_truncated_over_udp(void **state)
{
	struct fixture *f = *state;

	ask(f, DNS_UDP, "big." ZONE, DNS_TYPE_TXT, true);
	assert_string_equal(f->text, "0 aa tc\n");
	ask(f, DNS_TCP, "big." ZONE, DNS_TYPE_TXT, true);
	assert_int_equal(f->buf[7], 8);
	assert_true(f->result.n > DNS_UDP_MAX);
}

/* The question comes back byte for byte, other letters' case included. */
static void the_question_keeps_its_case(void **state)
{
	static const char msg[] = "\x12\x34\0\0\0\1\0\0\0\0\0\0"
				  "\3iD1\3StS\7eXaMpLe\3NeT\0\0\1\0\1";
	struct fixture *f = *state;

	handle(f, DNS_UDP, (struct str){ msg, sizeof(msg) - 1 });
	assert_int_equal(f->result.rcode, DNS_NOERROR);
	assert_memory_equal(f->buf + 12, msg + 12, sizeof(msg) - 1 - 12);
}

#define QUESTION "\3id1\3sts\7example\3net\0\0\1\0\1"
#define HEAD(flags, qd, an, ns, ar)                                            \
	"\x12\x34" flags "\0" qd "\0" an "\0" ns "\0" ar
/* The versions of clang-format differ in macros that are a brace. */
/* clang-format off */
#define MSG(lit) { "" lit, sizeof(lit) - 1 }
/* clang-format on */

static void odd_requests(void **state)
{
	static const struct {
		struct str msg;
		enum dns_result_kind kind;
		unsigned rcode;
	} rows[] = {
		/* no header, or an answer: silence */
		{ MSG(""), DNS_RESULT_NONE, 0 },
		{ MSG("\x12\x34\0\0\0\1\0\0\0\0\0"), DNS_RESULT_NONE, 0 },
		{ MSG(HEAD("\x80\0", "\1", "\0", "\0", "\0") QUESTION),
			DNS_RESULT_NONE, 0 },
		/* RFC 9619: one question */
		{ MSG(HEAD("\0\0", "\0", "\0", "\0", "\0")), DNS_RESULT_ANSWER,
			DNS_FORMERR },
		{ MSG(HEAD("\0\0", "\2", "\0", "\0", "\0") QUESTION QUESTION),
			DNS_RESULT_ANSWER, DNS_FORMERR },
		/* cut and trailing bytes */
		{ MSG(HEAD("\0\0", "\1", "\0", "\0", "\0") "\3id1"),
			DNS_RESULT_ANSWER, DNS_FORMERR },
		{ MSG(HEAD("\0\0", "\1", "\0", "\0", "\0") QUESTION "x"),
			DNS_RESULT_ANSWER, DNS_FORMERR },
		{ MSG(HEAD("\0\0", "\1", "\0", "\0", "\1") QUESTION),
			DNS_RESULT_ANSWER, DNS_FORMERR },
		/* a pointer into the header */
		{ MSG(HEAD("\0\0", "\1", "\0", "\0", "\0") "\xc0\4\0\1\0\1"),
			DNS_RESULT_ANSWER, DNS_FORMERR },
		/* RFC 1035 section 4.1.1: opcodes; RFC 1996: NOTIFY, UPDATE */
		{ MSG(HEAD("\x08\0", "\1", "\0", "\0", "\0") QUESTION),
			DNS_RESULT_ANSWER, DNS_NOTIMP },
		{ MSG(HEAD("\x20\0", "\1", "\0", "\0", "\0") QUESTION),
			DNS_RESULT_ANSWER, DNS_NOTIMP },
		{ MSG(HEAD("\x28\0", "\1", "\0", "\0", "\0") QUESTION),
			DNS_RESULT_ANSWER, DNS_NOTIMP },
		/* version.bind CH TXT */
		{ MSG(HEAD("\0\0", "\1", "\0", "\0",
			  "\0") "\7version\4bind\0\0\x10\0\3"),
			DNS_RESULT_ANSWER, DNS_REFUSED },
		{ MSG(HEAD("\0\0", "\1", "\0", "\0",
			  "\0") "\3id1\3sts\7example\3net\0\0\1\0\xff"),
			DNS_RESULT_ANSWER, DNS_REFUSED },
		/* RFC 6891 sections 6.1.1 and 6.1.3 */
		{ MSG(HEAD("\0\0", "\1", "\0", "\0", "\1") QUESTION
			  "\0\0\x29\x10\0\0\1\0\0\0\0"),
			DNS_RESULT_ANSWER, DNS_BADVERS },
		{ MSG(HEAD("\0\0", "\1", "\0", "\0", "\2") QUESTION
			  "\0\0\x29\x10\0\0\0\0\0\0\0"
			  "\0\0\x29\x10\0\0\0\0\0\0\0"),
			DNS_RESULT_ANSWER, DNS_FORMERR },
		{ MSG(HEAD("\0\0", "\1", "\0", "\0", "\1") QUESTION
			  "\1x\0\0\x29\x10\0\0\0\0\0\0\0"),
			DNS_RESULT_ANSWER, DNS_FORMERR },
		{ MSG(HEAD("\0\0", "\1", "\0", "\0", "\1") QUESTION
			  "\0\0\x29\x10\0\0\0\0\0\0\3\0\3\0"),
			DNS_RESULT_ANSWER, DNS_FORMERR },
		/* an unknown option is nobody's fault */
		{ MSG(HEAD("\0\0", "\1", "\0", "\0", "\1") QUESTION
			  "\0\0\x29\x10\0\0\0\0\0\0\4\xff\0\0\0"),
			DNS_RESULT_ANSWER, DNS_NOERROR },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		handle(f, DNS_UDP, rows[i].msg);
		assert_int_equal(f->result.kind, rows[i].kind);
		if (f->result.kind == DNS_RESULT_ANSWER)
			assert_int_equal(f->result.rcode, rows[i].rcode);
	}
}

/* RFC 6891 section 6.1.1, RFC 3225 section 3: OPT and DO come back. */
static void edns_is_answered_with_edns(void **state)
{
	static const char msg[] = HEAD("\0\0", "\1", "\0", "\0", "\1") QUESTION
		"\0\0\x29\x10\0\0\0\x80\0\0\0";
	static const unsigned char opt[] = "\0\0\x29\x04\xd0\0\0\x80\0\0\0";
	struct fixture *f = *state;

	handle(f, DNS_UDP, (struct str){ msg, sizeof(msg) - 1 });
	assert_int_equal(f->buf[11], 1);
	assert_memory_equal(f->buf + f->result.n - 11, opt, 11);
	handle(f, DNS_UDP,
		(struct str)MSG(HEAD("\0\0", "\1", "\0", "\0", "\0") QUESTION));
	assert_int_equal(f->buf[11], 0);
}

/* Write, then read, is identity; nothing cut is taken for whole. */
static void requests_survive_and_break_when_cut(void **state)
{
	struct dns_question q = { .name = name_of("Id1." ZONE),
		.type = DNS_TYPE_CAA,
		.class = DNS_CLASS_IN };
	unsigned char p[DNS_UDP_MAX];
	struct dns_request r;
	struct dns_writer w;
	size_t n;

	(void)state;
	dns_writer_request(&w, p, sizeof(p), 0x1234, DNS_RD, &q, true);
	n = dns_writer_finish(&w);
	assert_int_equal(dns_request_read((struct str){ (char *)p, n }, &r),
		DNS_REQUEST_OK);
	assert_int_equal(r.id, 0x1234);
	assert_int_equal(r.flags, DNS_RD);
	assert_int_equal(r.question.type, DNS_TYPE_CAA);
	assert_memory_equal(r.question.name.wire, q.name.wire, q.name.n);
	assert_true(r.edns && !r.dnssec_ok && !r.has_tsig && !r.has_serial);
	assert_int_equal(r.udp_bytes, DNS_UDP_MAX);
	for (size_t cut = 0; cut < n; cut++)
		assert_int_equal(
			dns_request_read((struct str){ (char *)p, cut }, &r),
			cut < DNS_HEADER_BYTES ? DNS_REQUEST_IGNORE
					       : DNS_REQUEST_FORMERR);
}

static void a_broken_source_is_servfail(void **state)
{
	struct fixture *f = *state;

	dns_memory_set_broken(true);
	ask(f, DNS_UDP, "id1." ZONE, DNS_TYPE_A, true);
	assert_string_equal(f->text, "2\n");
	ask(f, DNS_UDP, ZONE, DNS_TYPE_SOA, false);
	assert_string_equal(f->text, "2\n");
}

static void a_slip_is_empty_and_truncated(void **state)
{
	static const char msg[] = HEAD("\1\0", "\1", "\0", "\0", "\0") QUESTION;
	struct fixture *f = *state;

	f->result.n = dns_handle_slip(
		(struct str){ msg, sizeof(msg) - 1 }, f->buf);
	show(f);
	assert_string_equal(f->text, "0 tc\n");
	assert_int_equal(f->result.n, sizeof(msg) - 1);
	assert_int_equal(dns_handle_slip(STR("x"), f->buf), 0);
}

/* A cheap generator: the same packets in every run. */
static uint32_t next(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

static void thousands_of_malformed_packets(void **state)
{
	static const char good[] = HEAD("\1\0", "\1", "\0", "\0", "\1") QUESTION
		"\0\0\x29\x10\0\0\0\0\0\0\4\xff\0\0\0";
	struct fixture *f = *state;
	uint32_t seed = 1;

	for (int i = 0; i < 20000; i++) {
		char msg[128];
		size_t n = sizeof(good) - 1;

		memcpy(msg, good, n);
		for (uint32_t k = next(&seed) % 8; k > 0; k--)
			msg[2 + next(&seed) % (n - 2)] = (char)next(&seed);
		if (next(&seed) % 4 == 0)
			n = next(&seed) % (n + 1);
		handle(f, i % 2 == 0 ? DNS_UDP : DNS_TCP,
			(struct str){ msg, n });
		assert_int_not_equal(f->result.kind, DNS_RESULT_TRANSFER);
	}
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(questions_get_their_answers),
		TEST(cname_loops_end),
		TEST(long_answers_are_truncated_over_udp),
		TEST(the_question_keeps_its_case),
		TEST(odd_requests),
		TEST(edns_is_answered_with_edns),
		TEST(requests_survive_and_break_when_cut),
		TEST(a_broken_source_is_servfail),
		TEST(a_slip_is_empty_and_truncated),
		TEST(thousands_of_malformed_packets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
