/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns_tsig: the input as a signed request and as a signed answer. The HMAC is
 * the length of what it is given, so that the fuzzer can sign.
 */
#include <stdint.h>
#include <string.h>

#include "tests/dns_memory.h"

#include "base/bug.h"
#include "proto/dns_handler.h"
#include "proto/dns_notify.h"

#include "base/poison.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void hmac(struct str key, const struct str *parts, size_t n,
	uint8_t mac[DNS_TSIG_MAC])
{
	(void)key;
	(void)parts;
	memset(mac, (int)n, DNS_TSIG_MAC);
}

/* The input as what a secondary says to a signed NOTIFY. */
static void answer(const struct dns_handler *h, struct str msg)
{
	unsigned char sent[DNS_UDP_MAX];
	struct dns_notify d;
	size_t n, target;
	unsigned rcode;

	dns_notify_init(&d, &h->source->apex, &h->keys[0], hmac, 1);
	dns_notify_begin(&d, (struct mono){ 0 });
	BUG(!dns_notify_next(&d, (struct mono){ 0 }, (struct unix_time){ 0 },
		0x1234, sent, &n, &target));
	(void)dns_notify_take(&d, 0, (struct unix_time){ 0 }, msg, &rcode);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static unsigned char buf[DNS_MSG_MAX];
	const struct str msg = { (const char *)data, size };
	struct dns_tsig_key key = { .secret = STR("x") };
	struct dns_handler h = { .source = dns_memory_source(),
		.hmac = hmac,
		.keys = &key,
		.n_keys = 1 };
	const struct ip_addr peer = {};
	struct arena *a = arena_must(0);
	struct dns_request request;
	struct dns_result result;

	BUG(dns_name_parse(STR("key"), &key.name) != ST_OK);
	dns_handle(&h, a, DNS_UDP, &peer, 0, msg, buf, &request, &result);
	if (result.kind == DNS_RESULT_ANSWER)
		BUG(result.n > DNS_UDP_MAX);
	answer(&h, msg);
	arena_free(&a);
	return 0;
}
