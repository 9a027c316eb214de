/* SPDX-License-Identifier: Apache-2.0 */
/* What a foreign name server answers to the probe. */
#include <stddef.h>
#include <stdint.h>

#include "base/bug.h"
#include "io/dns_client.h"

#include "base/poison.h"

#define ARENA_BYTES (1u << 20)
#define ID 0x1234

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const uint16_t types[] = { DNS_TYPE_A, DNS_TYPE_CNAME,
		DNS_TYPE_SOA, DNS_TYPE_MX, DNS_TYPE_TXT, DNS_TYPE_CAA };
	struct arena *a = arena_must(ARENA_BYTES);
	struct dns_name name;

	BUG(dns_name_parse(STR("mta-sts.example"), &name) != ST_OK);
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		struct dns_result r = {};
		struct err e = {};
		bool cut = false;

		if (dns_result_parse(a, (struct str){ (const char *)data, n },
			    ID, &name, types[i], &r, &cut, &e) != ST_OK)
			continue;
		BUG(r.n_answer > DNS_CLIENT_RECORDS_MAX);
		for (size_t k = 0; k < r.n_answer; k++) {
			struct sbuf b = sbuf_arena(a, 65536);

			dns_rdata_write(
				&b, r.answer[k].type, r.answer[k].rdata);
		}
		arena_reset(a);
	}
	arena_free(&a);
	return 0;
}
