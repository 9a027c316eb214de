/* SPDX-License-Identifier: Apache-2.0 */
/* Transfers: who may have one, what it holds, and how it is signed. */
#include "tests/dns_memory.h"
#include "tests/proto/dns_text.h"
#include "tests/testing.h"

#include "base/mem.h"
#include "io/crypto.h"
#include "proto/dns_handler.h"
#include "proto/dns_xfr.h"

#include "base/poison.h"

#define ZONE "sts.example.net"
#define NOW 1000000u

struct fixture {
	struct arena *arena;
	struct dns_handler handler;
	struct dns_tsig_key key, other;
	struct ip_net allow;
	unsigned char query[1024], buf[DNS_MSG_MAX];
	size_t query_n;
	struct dns_tsig_session client;
	struct dns_request request;
	struct dns_result result;
	char text[16384];
	size_t text_n;
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
	f.handler.hmac = crypto_hmac_sha256_parts;
	f.key = (struct dns_tsig_key){ name_of("key.example"),
		STR("0123456789abcdef0123456789abcdef") };
	f.other = (struct dns_tsig_key){ name_of("key.example"), STR("no") };
	assert_int_equal(ip_net_parse(STR("192.0.2.0/24"), &f.allow), ST_OK);
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	dns_memory_set_serial(DNS_MEMORY_SERIAL);
	arena_free(&f->arena);
	return 0;
}

static void use_keys(struct fixture *f)
{
	f->handler.keys = &f->key;
	f->handler.n_keys = 1;
}

static void use_allow(struct fixture *f)
{
	f->handler.transfer_allow = &f->allow;
	f->handler.n_transfer_allow = 1;
}

/* A request for a transfer; from_serial only counts for IXFR. */
static void write_query(struct fixture *f, uint16_t type, uint32_t from_serial,
	const struct dns_tsig_key *key, uint64_t now)
{
	struct dns_question q = { name_of(ZONE), type, DNS_CLASS_IN };
	unsigned char p[256];
	struct wire_out out = wire_out_of(p, sizeof(p));
	struct dns_soa soa = { .mname = dns_name_root(),
		.rname = dns_name_root(),
		.serial = from_serial };
	struct dns_writer w;

	dns_writer_request(
		&w, f->query, sizeof(f->query), 0x4242, 0, &q, false);
	dns_soa_write(&out, &soa);
	if (type == DNS_TYPE_IXFR)
		assert_true(dns_writer_put(&w, DNS_AUTHORITY, &q.name,
			DNS_TYPE_SOA, 0, wire_out_str(&out)));
	(void)dns_writer_finish(&w);
	if (key != NULL)
		dns_tsig_sign_request(
			&f->client, key, crypto_hmac_sha256_parts, &w.out, now);
	assert_false(w.out.failed);
	f->query_n = w.out.n;
}

static void handle(struct fixture *f, enum dns_transport transport)
{
	struct ip_addr peer = ip_addr_v4((const uint8_t[]){ 192, 0, 2, 9 });

	dns_handle(&f->handler, f->arena, transport, &peer, NOW,
		(struct str){ (char *)f->query, f->query_n }, f->buf,
		&f->request, &f->result);
}

/* Adds "owner TYPE" per record; SOA as "SOA serial". */
static void collect(struct fixture *f, struct str msg, struct dns_tsig *tsig)
{
	struct wire_in in = wire_in_of(msg);
	struct dns_header h = dns_header_read(&in);
	struct sbuf b = sbuf_fixed(
		f->text + f->text_n, sizeof(f->text) - 1 - f->text_n);
	struct dns_soa soa;

	(void)dns_question_read(&in);
	for (size_t i = 0; i < h.count[DNS_ANSWER]; i++) {
		struct dns_rr rr = dns_rr_read(&in);

		if (rr.type == DNS_TYPE_SOA) {
			assert_int_equal(
				dns_rr_soa_read(msg, &rr, &soa), ST_OK);
			sbuf_fmt(&b, "SOA %u\n", soa.serial);
			continue;
		}
		dns_name_write(&b, &rr.owner);
		sbuf_addc(&b, ' ');
		type_write(&b, rr.type);
		sbuf_addc(&b, '\n');
	}
	for (size_t i = 0; i < h.count[DNS_ADDITIONAL]; i++) {
		struct dns_rr rr = dns_rr_read(&in);

		tsig->key = rr.owner;
		tsig->at = rr.at;
		assert_int_equal(rr.type, DNS_TYPE_TSIG);
		assert_true(dns_tsig_read(rr.rdata, tsig));
	}
	assert_true(wire_done(&in) && sbuf_ok(&b));
	f->text_n += b.n;
	f->text[f->text_n] = 0;
}

/* Runs the transfer to its end; true if every message verified. */
static enum status run(struct fixture *f, bool is_signed)
{
	struct dns_xfr *x;
	enum status st;
	size_t n;

	assert_int_equal(f->result.kind, DNS_RESULT_TRANSFER);
	x = dns_xfr_new(f->handler.source, &f->request, &f->result);
	assert_non_null(x);
	f->text_n = 0;
	f->text[0] = 0;
	while ((st = dns_xfr_next(x, f->buf, NOW, &n)) == ST_OK) {
		struct str msg = { (char *)f->buf, n };
		struct dns_tsig tsig = {};

		collect(f, msg, &tsig);
		if (is_signed)
			assert_int_equal(dns_tsig_verify_answer(
						 &f->client, msg, &tsig, NOW),
				DNS_TSIG_OK);
	}
	dns_xfr_free(&x);
	return st;
}

static const char whole_zone[] =
	"SOA 7\n" ZONE " NS\n" ZONE " NS\nns1." ZONE " A\nns1." ZONE
	" AAAA\nid1." ZONE " A\nid1." ZONE " AAAA\nid1." ZONE
	" CAA\n_mta-sts.id1." ZONE " TXT\n_smtp._tls.id1." ZONE
	" TXT\nalias." ZONE " CNAME\ndangling." ZONE " CNAME\nout." ZONE
	" CNAME\nloop." ZONE " CNAME\nbig." ZONE " TXT\nbig." ZONE
	" TXT\nbig." ZONE " TXT\nbig." ZONE " TXT\nbig." ZONE " TXT\nbig." ZONE
	" TXT\nbig." ZONE " TXT\nbig." ZONE " TXT\nSOA 7\n";

static void nobody_gets_the_zone_by_default(void **state)
{
	struct fixture *f = *state;

	write_query(f, DNS_TYPE_AXFR, 0, NULL, NOW);
	handle(f, DNS_TCP);
	assert_int_equal(f->result.rcode, DNS_REFUSED);
	/* A key nobody configured: NOTAUTH (RFC 8945 section 5.2.1). */
	write_query(f, DNS_TYPE_AXFR, 0, &f->key, NOW);
	handle(f, DNS_TCP);
	assert_int_equal(f->result.rcode, DNS_NOTAUTH);
	assert_int_equal(f->result.tsig.error, DNS_TSIG_BADKEY);
}

static void all_that_is_configured_must_hold(void **state)
{
	struct fixture *f = *state;

	use_allow(f);
	write_query(f, DNS_TYPE_AXFR, 0, NULL, NOW);
	handle(f, DNS_TCP);
	assert_int_equal(f->result.kind, DNS_RESULT_TRANSFER);
	use_keys(f);
	handle(f, DNS_TCP);
	assert_int_equal(f->result.rcode, DNS_REFUSED);
	write_query(f, DNS_TYPE_AXFR, 0, &f->key, NOW);
	handle(f, DNS_TCP);
	assert_int_equal(f->result.kind, DNS_RESULT_TRANSFER);
	assert_int_equal(
		ip_net_parse(STR("198.51.100.0/24"), &f->allow), ST_OK);
	handle(f, DNS_TCP);
	assert_int_equal(f->result.rcode, DNS_REFUSED);
}

static void axfr_gives_the_zone_between_soas(void **state)
{
	struct fixture *f = *state;

	use_allow(f);
	write_query(f, DNS_TYPE_AXFR, 0, NULL, NOW);
	handle(f, DNS_TCP);
	assert_int_equal(run(f, false), ST_NOTFOUND);
	assert_string_equal(f->text, whole_zone);
}

static void ixfr_gives_steps_or_all_or_nothing(void **state)
{
	static const struct {
		uint32_t serial;
		const char *want;
	} rows[] = {
		{ 6, "SOA 7\nSOA 6\nid0." ZONE " A\nSOA 7\nid1." ZONE
		     " A\nSOA 7\n" },
		{ 5, whole_zone },  /* RFC 1995 section 4: AXFR instead */
		{ 7, "SOA 7\n" },   /* section 2: up to date */
		{ 100, "SOA 7\n" }, /* newer than we are */
	};
	struct fixture *f = *state;

	use_keys(f);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		write_query(f, DNS_TYPE_IXFR, rows[i].serial, &f->key, NOW);
		handle(f, DNS_TCP);
		assert_int_equal(run(f, true), ST_NOTFOUND);
		assert_string_equal(f->text, rows[i].want);
	}
}

/* RFC 1995 section 2: over UDP the SOA alone, the client comes by TCP. */
static void ixfr_over_udp_is_the_soa(void **state)
{
	struct dns_tsig tsig;
	struct fixture *f = *state;

	use_keys(f);
	write_query(f, DNS_TYPE_IXFR, 6, &f->key, NOW);
	handle(f, DNS_UDP);
	assert_int_equal(f->result.kind, DNS_RESULT_ANSWER);
	f->text_n = 0;
	collect(f, (struct str){ (char *)f->buf, f->result.n }, &tsig);
	assert_string_equal(f->text, "SOA 7\n");
	write_query(f, DNS_TYPE_AXFR, 0, &f->key, NOW);
	handle(f, DNS_UDP);
	assert_int_equal(f->result.rcode, DNS_REFUSED);
}

static int stale; /* so many looks at the zone are overtaken */

static enum status zone_before(void *ctx, struct arena *a, struct dns_zone *out)
{
	enum status st = dns_memory_source()->zone(ctx, a, out);

	if (stale-- > 0)
		out->serial--;
	return st;
}

static void a_zone_that_moves_on_ends_the_transfer(void **state)
{
	struct fixture *f = *state;
	struct dns_source source = *f->handler.source;

	source.zone = zone_before;
	f->handler.source = &source;
	use_allow(f);
	write_query(f, DNS_TYPE_AXFR, 0, NULL, NOW);
	handle(f, DNS_TCP);
	stale = 100;
	assert_int_equal(run(f, false), ST_AGAIN);
	/* Before the first message is out it begins anew by itself. */
	stale = 3;
	assert_int_equal(run(f, false), ST_NOTFOUND);
	assert_string_equal(f->text, whole_zone);
}

static void failing_memory_ends_the_transfer(void **state)
{
	struct fixture *f = *state;
	struct dns_xfr *x;
	size_t n;

	use_allow(f);
	write_query(f, DNS_TYPE_AXFR, 0, NULL, NOW);
	handle(f, DNS_TCP);
	x = dns_xfr_new(f->handler.source, &f->request, &f->result);
	mem_fail_at(1);
	assert_int_equal(dns_xfr_next(x, f->buf, NOW, &n), ST_TEMP);
	mem_fail_at(0);
	dns_xfr_free(&x);
	for (unsigned long i = 1; i <= 3; i++) {
		mem_fail_at(i);
		assert_null(dns_xfr_new(
			f->handler.source, &f->request, &f->result));
	}
	mem_fail_at(0);
}

/* RFC 8945 section 5.2: key, then MAC, then time. */
static void signatures_are_checked(void **state)
{
	struct fixture *f = *state;
	static const struct {
		int64_t skew;
		bool wrong_key;
		enum dns_tsig_error want;
	} rows[] = {
		{ 0, false, DNS_TSIG_OK },
		{ 300, false, DNS_TSIG_OK },
		{ -300, false, DNS_TSIG_OK },
		{ 301, false, DNS_TSIG_BADTIME },
		{ -301, false, DNS_TSIG_BADTIME },
		{ 301, true, DNS_TSIG_BADSIG },
	};

	use_keys(f);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		write_query(f, DNS_TYPE_SOA, 0,
			rows[i].wrong_key ? &f->other : &f->key,
			(uint64_t)((int64_t)NOW + rows[i].skew));
		handle(f, DNS_UDP);
		assert_int_equal(f->result.kind, DNS_RESULT_ANSWER);
		assert_int_equal(f->result.tsig.error, rows[i].want);
		assert_int_equal(f->result.rcode, rows[i].want == DNS_TSIG_OK
							  ? DNS_NOERROR
							  : DNS_NOTAUTH);
	}
}

/* Section 5.3: the answer's MAC covers the request's and the error. */
static void answers_are_signed(void **state)
{
	struct fixture *f = *state;

	use_keys(f);
	for (int late = 0; late < 2; late++) {
		struct dns_tsig tsig = {};
		struct str msg;

		write_query(
			f, DNS_TYPE_SOA, 0, &f->key, late ? NOW - 1000 : NOW);
		handle(f, DNS_UDP);
		msg = (struct str){ (char *)f->buf, f->result.n };
		f->text_n = 0;
		collect(f, msg, &tsig);
		assert_int_equal(tsig.error, late ? DNS_TSIG_BADTIME : 0);
		assert_int_equal(tsig.other.n, late ? 6 : 0);
		assert_int_equal(dns_tsig_verify_answer(
					 &f->client, msg, &tsig, tsig.time),
			DNS_TSIG_OK);
	}
}

/* All but the id, which section 5.1 lets a forwarder change. */
static void a_flipped_bit_is_seen(void **state)
{
	struct fixture *f = *state;

	use_keys(f);
	write_query(f, DNS_TYPE_SOA, 0, &f->key, NOW);
	for (size_t i = 2; i < f->query_n; i++) {
		f->query[i] ^= 1;
		handle(f, DNS_UDP);
		/* Or no longer taken for a signature at all. */
		assert_true(
			f->result.rcode != DNS_NOERROR || !f->result.has_tsig);
		f->query[i] ^= 1;
	}
	handle(f, DNS_UDP);
	assert_int_equal(f->result.rcode, DNS_NOERROR);
}

/* RFC 8945 section 5.2.2.1: short MACs are refused. */
static void short_macs_are_refused(void **state)
{
	struct fixture *f = *state;
	struct dns_tsig_session s;
	struct dns_tsig t;

	use_keys(f);
	write_query(f, DNS_TYPE_SOA, 0, &f->key, NOW);
	handle(f, DNS_UDP);
	t = f->request.tsig;
	t.mac.n = 16;
	assert_int_equal(dns_tsig_verify(&f->key, 1, crypto_hmac_sha256_parts,
				 f->request.msg, &t, NOW, &s),
		DNS_TSIG_BADTRUNC);
	t.mac.n = 15;
	assert_int_equal(dns_tsig_verify(&f->key, 1, crypto_hmac_sha256_parts,
				 f->request.msg, &t, NOW, &s),
		DNS_TSIG_FORMERR);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nobody_gets_the_zone_by_default),
		TEST(all_that_is_configured_must_hold),
		TEST(axfr_gives_the_zone_between_soas),
		TEST(ixfr_gives_steps_or_all_or_nothing),
		TEST(ixfr_over_udp_is_the_soa),
		TEST(a_zone_that_moves_on_ends_the_transfer),
		TEST(failing_memory_ends_the_transfer),
		TEST(signatures_are_checked),
		TEST(answers_are_signed),
		TEST(a_flipped_bit_is_seen),
		TEST(short_macs_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
