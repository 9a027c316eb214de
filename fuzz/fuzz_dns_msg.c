/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns_msg: the input as a request to a small zone, over UDP and TCP; every
 * answer must be well-formed, and a transfer must come to its end.
 */
#include <stdint.h>

#include "tests/dns_memory.h"

#include "base/bug.h"
#include "proto/dns_handler.h"
#include "proto/dns_xfr.h"

#include "base/poison.h"

static unsigned char buf[DNS_MSG_MAX];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_message(struct str msg, size_t max)
{
	struct wire_in in = wire_in_of(msg);
	struct dns_header h = dns_header_read(&in);

	BUG(msg.n > max || (h.flags & DNS_QR) == 0);
	for (size_t i = 0; i < h.count[DNS_QUESTION]; i++)
		(void)dns_question_read(&in);
	for (size_t i = DNS_ANSWER; i <= DNS_ADDITIONAL; i++)
		for (size_t k = 0; k < h.count[i]; k++)
			(void)dns_rr_read(&in);
	BUG(!wire_done(&in));
}

static void transfer(const struct dns_handler *h,
	const struct dns_request *request, const struct dns_result *result)
{
	struct dns_xfr *x = dns_xfr_new(h->source, request, result);
	size_t n;

	BUG(x == NULL);
	while (dns_xfr_next(x, buf, 0, &n) == ST_OK)
		check_message((struct str){ (char *)buf, n }, DNS_MSG_MAX);
	dns_xfr_free(&x);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct ip_net all = { .bits = 0 };
	const struct dns_handler h = { .source = dns_memory_source(),
		.transfer_allow = &all,
		.n_transfer_allow = 1 };
	const struct ip_addr peer = {};
	const struct str msg = { (const char *)data, size };
	struct arena *a = arena_must(0);

	for (int t = DNS_UDP; t <= DNS_TCP; t++) {
		struct dns_request request;
		struct dns_result result;

		dns_handle(&h, a, t, &peer, 0, msg, buf, &request, &result);
		if (result.kind == DNS_RESULT_TRANSFER)
			transfer(&h, &request, &result);
		else if (result.kind == DNS_RESULT_ANSWER)
			check_message((struct str){ (char *)buf, result.n },
				t == DNS_UDP ? DNS_UDP_MAX : DNS_MSG_MAX);
	}
	(void)dns_handle_slip(msg, buf);
	arena_free(&a);
	return 0;
}
