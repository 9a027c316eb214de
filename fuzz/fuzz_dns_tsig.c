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
#include "proto/dns_reply.h"

#include "base/poison.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void hmac(struct str key, const struct str *parts, size_t n,
	uint8_t mac[DNS_TSIG_MAC])
{
	(void)key;
	(void)parts;
	memset(mac, (int)n, DNS_TSIG_MAC);
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
	struct dns_tsig_session client = { .key = &key, .hmac = hmac };
	struct dns_request request;
	struct dns_result result;
	struct dns_reply reply;

	BUG(dns_name_parse(STR("key"), &key.name) != ST_OK);
	dns_handle(&h, a, DNS_UDP, &peer, 0, msg, buf, &request, &result);
	if (result.kind == DNS_RESULT_ANSWER)
		BUG(result.n > DNS_UDP_MAX);
	if (size >= 2 &&
		dns_reply_read(msg, (uint16_t)(data[0] << 8 | data[1]),
			DNS_OPCODE_QUERY, &h.source->apex, DNS_TYPE_SOA,
			&reply) &&
		reply.has_tsig) {
		client.key_name = reply.tsig.key;
		client.algorithm = reply.tsig.algorithm;
		(void)dns_tsig_verify_answer(&client, msg, &reply.tsig, 0);
	}
	arena_free(&a);
	return 0;
}
