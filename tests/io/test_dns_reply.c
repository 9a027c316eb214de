/* SPDX-License-Identifier: Apache-2.0 */
/* Replies of a resolver: what belongs to a question, and what its answer is. */
#include "tests/testing.h"

#include "base/mem.h"
#include "io/dns_reply.h"
#include "proto/dns_rr.h"
#include "tests/parser_laws.h"

#include "base/poison.h"

#define ID 0x1234
#define RECORDS_MAX 24

/* One record of a reply: CNAME and MX data are names, others bytes. */
struct record {
	const char *owner;
	uint16_t type;
	uint32_t ttl;
	const char *data;
	enum dns_section section; /* 0: answer */
};

struct made {
	unsigned char bytes[4096];
	struct dns_question q;
	size_t n;
};

static struct dns_name name_of(const char *text)
{
	struct dns_name name;

	assert_int_equal(dns_name_parse(str_of(text), &name), ST_OK);
	return name;
}

static struct str rdata_of(const struct record *r, unsigned char *p, size_t cap)
{
	struct wire_out w = wire_out_of(p, cap);
	struct dns_name name;

	if (r->type == DNS_TYPE_SOA) {
		struct dns_soa soa = { .mname = name_of("ns.example"),
			.rname = name_of("h.example"),
			.minimum = 70 };

		dns_soa_write(&w, &soa);
	} else if (r->type == DNS_TYPE_CNAME || r->type == DNS_TYPE_MX) {
		name = name_of(r->data);
		if (r->type == DNS_TYPE_MX)
			wire_put_u16(&w, 10);
		wire_put_bytes(&w, dns_name_wire(&name));
	} else {
		wire_put_bytes(&w, str_of(r->data));
	}
	return wire_out_str(&w);
}

static struct str make(struct made *m, const char *name, uint16_t type,
	uint16_t flags, unsigned rcode, const struct record *records)
{
	struct dns_writer w;

	m->q = (struct dns_question){ name_of(name), type, DNS_CLASS_IN };
	dns_writer_request(&w, m->bytes, sizeof(m->bytes), ID,
		(uint16_t)(DNS_QR | flags), &m->q, true);
	w.rcode = rcode;
	for (; records->owner != NULL; records++) {
		struct dns_name owner = name_of(records->owner);
		unsigned char p[512];

		assert_true(dns_writer_put(&w,
			records->section == 0 ? DNS_ANSWER : records->section,
			&owner, records->type, records->ttl,
			rdata_of(records, p, sizeof(p))));
	}
	m->n = dns_writer_finish(&w);
	return (struct str){ (const char *)m->bytes, m->n };
}

static void only_its_own_reply_fits(void **state)
{
	const struct record records[RECORDS_MAX] = { { "a.example", DNS_TYPE_A,
		5, "abcd" } };
	struct made m, other;
	struct dns_reply r = {};
	struct str msg = make(&m, "A.example", DNS_TYPE_A, DNS_AD, 0, records);

	(void)state;
	assert_true(dns_reply_fits(msg, ID, &m.q, &r));
	assert_true(r.authentic && !r.cut && r.rcode == 0);
	assert_false(dns_reply_fits(msg, ID + 1, &m.q, &r));
	other.q = m.q;
	other.q.type = DNS_TYPE_AAAA;
	assert_false(dns_reply_fits(msg, ID, &other.q, &r));
	other.q = m.q;
	other.q.name = name_of("b.example");
	assert_false(dns_reply_fits(msg, ID, &other.q, &r));
	for (size_t n = 0; n < 12 + 11 + 4; n++)
		assert_false(dns_reply_fits(str_upto(msg, n), ID, &m.q, &r));
	m.bytes[2] &= 0x7f; /* a request */
	assert_false(dns_reply_fits(msg, ID, &m.q, &r));
	m.bytes[2] |= 0x80 | 0x28; /* another opcode */
	assert_false(dns_reply_fits(msg, ID, &m.q, &r));
}

static void flags_are_read(void **state)
{
	const struct record none[RECORDS_MAX] = {};
	struct dns_reply r = {};
	struct made m;
	struct str msg = make(&m, "a.example", DNS_TYPE_A, DNS_TC, 2, none);

	(void)state;
	assert_true(dns_reply_fits(msg, ID, &m.q, &r));
	assert_true(r.cut && !r.authentic && r.rcode == DNS_SERVFAIL);
}

static void answers_are_found(void **state)
{
	static const struct {
		const char *name;
		uint16_t type;
		unsigned rcode;
		struct record records[6];
		enum status st;
		size_t n;
		const char *canonical;
		uint32_t ttl;
		bool nxdomain;
	} rows[] = {
		{ "a.example", DNS_TYPE_A, 0,
			{ { "A.EXAMPLE", DNS_TYPE_A, 9, "abcd" },
				{ "a.example", DNS_TYPE_A, 7, "efgh" },
				{ "a.example", DNS_TYPE_TXT, 1, "\1x" },
				{ "b.example", DNS_TYPE_A, 1, "nope" } },
			ST_OK, 2, "a.example", 7, false },
		/* RFC 1034 section 3.6.2; the order of records means nothing */
		{ "a.example", DNS_TYPE_A, 0,
			{ { "a.example", DNS_TYPE_CNAME, 9, "b.example" },
				{ "b.example", DNS_TYPE_CNAME, 5, "c.example" },
				{ "c.example", DNS_TYPE_A, 8, "abcd" } },
			ST_OK, 1, "c.example", 5, false },
		{ "a.example", DNS_TYPE_A, 0,
			{ { "c.example", DNS_TYPE_A, 8, "abcd" },
				{ "b.example", DNS_TYPE_CNAME, 9, "c.example" },
				{ "a.example", DNS_TYPE_CNAME, 9,
					"b.example" } },
			ST_OK, 1, "c.example", 8, false },
		{ "a.example", DNS_TYPE_CNAME, 0,
			{ { "a.example", DNS_TYPE_CNAME, 9, "b.example" },
				{ "b.example", DNS_TYPE_CNAME, 9,
					"c.example" } },
			ST_OK, 1, "a.example", 9, false },
		{ "a.example", DNS_TYPE_A, 0,
			{ { "a.example", DNS_TYPE_CNAME, 9, "a.example" } },
			ST_INVALID },
		{ "a.example", DNS_TYPE_A, 0,
			{ { "a.example", DNS_TYPE_CNAME, 9, "b.example" },
				{ "b.example", DNS_TYPE_CNAME, 9,
					"a.example" } },
			ST_INVALID },
		/* RFC 2308 section 5: the least of the SOA's TTL and minimum */
		{ "a.example", DNS_TYPE_A, 0,
			{ { "example", DNS_TYPE_SOA, 900, "", DNS_AUTHORITY } },
			ST_OK, 0, "a.example", 70, false },
		{ "a.example", DNS_TYPE_A, 3,
			{ { "example", DNS_TYPE_SOA, 30, "", DNS_AUTHORITY } },
			ST_OK, 0, "a.example", 30, true },
		{ "a.example", DNS_TYPE_A, 3,
			{ { "a.example", DNS_TYPE_CNAME, 9, "b.example" },
				{ "example", DNS_TYPE_SOA, 30, "",
					DNS_AUTHORITY } },
			ST_OK, 0, "b.example", 9, true },
		{ "a.example", DNS_TYPE_A, 0, {}, ST_OK, 0, "a.example", 0,
			false },
		/* RFC 2181 section 8 */
		{ "a.example", DNS_TYPE_A, 0,
			{ { "a.example", DNS_TYPE_A, 0x80000001u, "abcd" } },
			ST_OK, 1, "a.example", 0, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct arena *a = arena_must(0);
		struct resolver_answer ans = {};
		struct made m;
		struct str msg = make(&m, rows[i].name, rows[i].type, 0,
			rows[i].rcode, rows[i].records);
		struct err e = {};

		assert_int_equal(
			dns_reply_read(a, msg, &m.q, &ans, &e), rows[i].st);
		if (rows[i].st == ST_OK) {
			assert_int_equal(ans.n, rows[i].n);
			assert_str(ans.canonical, rows[i].canonical);
			assert_int_equal(ans.ttl, rows[i].ttl);
			assert_int_equal(ans.nxdomain, rows[i].nxdomain);
		}
		arena_free(&a);
	}
}

static void compressed_names_are_written_out(void **state)
{
	const struct record records[] = {
		{ "a.example", DNS_TYPE_MX, 5, "mail.a.example" }, {}
	};
	struct arena *a = arena_must(0);
	struct resolver_answer ans = {};
	struct dns_name host, want = name_of("mail.a.example");
	uint16_t preference;
	struct made m;
	struct str msg = make(&m, "a.example", DNS_TYPE_MX, 0, 0, records);

	(void)state;
	assert_int_equal(dns_reply_read(a, msg, &m.q, &ans, NULL), ST_OK);
	assert_int_equal(dns_mx_read(ans.rdata[0], &preference, &host), ST_OK);
	assert_int_equal(preference, 10);
	assert_true(dns_name_eq(&host, &want));
	arena_free(&a);
}

static enum status parse_chain(struct arena *a, struct str msg)
{
	struct dns_question q = { name_of("a.example"), DNS_TYPE_MX,
		DNS_CLASS_IN };
	struct resolver_answer ans;

	return dns_reply_read(a, msg, &q, &ans, NULL);
}

static void laws(void **state)
{
	const struct record records[] = { { "a.example", DNS_TYPE_CNAME, 5,
						  "b.example" },
		{ "b.example", DNS_TYPE_MX, 5, "mail.a.example" },
		{ "b.example", DNS_TYPE_MX, 5, "mail2.a.example" }, {} };
	struct made m;
	struct str msg = make(&m, "a.example", DNS_TYPE_MX, 0, 0, records);

	(void)state;
	law_truncated(parse_chain, msg);
	law_no_memory(parse_chain, msg);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_its_own_reply_fits),
		cmocka_unit_test(flags_are_read),
		cmocka_unit_test(answers_are_found),
		cmocka_unit_test(compressed_names_are_written_out),
		cmocka_unit_test(laws),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
