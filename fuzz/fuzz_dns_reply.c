/* SPDX-License-Identifier: Apache-2.0 */
/* What a hostile resolver, or whoever forges its packets, replies. */
#include <stddef.h>
#include <stdint.h>

#include "base/bug.h"
#include "io/dns_reply.h"
#include "proto/dns_rr.h"
#include "proto/tlsa.h"

#include "base/poison.h"

#define ARENA_BYTES (1u << 20)
#define ID 0x1234

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_rdata(uint16_t type, struct str rdata)
{
	struct dns_name name;
	struct tlsa tlsa;
	uint16_t preference;

	/* Readers must survive whatever comes out. */
	if (type == DNS_TYPE_MX)
		(void)dns_mx_read(rdata, &preference, &name);
	else if (type == DNS_TYPE_TLSA && tlsa_parse(rdata, &tlsa) == ST_OK)
		(void)tlsa_fault(&tlsa);
}

static void check_answer(
	const struct dns_question *q, const struct resolver_answer *ans)
{
	struct dns_name end;

	BUG(ans->n > DNS_REPLY_RECORDS_MAX);
	BUG(ans->nxdomain && ans->n > 0);
	BUG(ans->ttl > DNS_TTL_MAX);
	BUG(ans->canonical.n > 0 && !str_eq(ans->canonical, STR(".")) &&
		dns_name_parse(ans->canonical, &end) != ST_OK);
	for (size_t i = 0; i < ans->n; i++)
		check_rdata(q->type, ans->rdata[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const uint16_t types[] = { DNS_TYPE_A, DNS_TYPE_CNAME,
		DNS_TYPE_MX, DNS_TYPE_TXT, DNS_TYPE_TLSA, DNS_TYPE_SOA };
	const struct str msg = { (const char *)data, n };
	struct arena *a = arena_must(ARENA_BYTES);
	struct dns_question q = { .class = DNS_CLASS_IN };

	BUG(dns_name_parse(STR("mx.example"), &q.name) != ST_OK);
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		struct resolver_answer ans = {};
		struct dns_reply reply = {};
		struct err e = {};

		q.type = types[i];
		if (dns_reply_fits(msg, ID, &q, &reply))
			BUG(n < DNS_HEADER_BYTES || reply.rcode > 15);
		/* libunbound's messages are read without this check. */
		if (dns_reply_read(a, msg, &q, &ans, &e) == ST_OK)
			check_answer(&q, &ans);
		else
			BUG(e.text[0] == '\0');
		arena_reset(a);
	}
	arena_free(&a);
	return 0;
}
