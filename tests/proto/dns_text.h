/* SPDX-License-Identifier: Apache-2.0 */
/* dns_text: types of records as tests show them. */
#pragma once

#include "proto/dns_rr.h"

/* The mnemonic of a type, "TYPE65280" for one without (RFC 3597 section 5). */
static inline void type_write(struct sbuf *b, uint16_t type)
{
	static const struct {
		uint16_t type;
		const char *name;
	} type_names[] = {
		{ DNS_TYPE_A, "A" },
		{ DNS_TYPE_NS, "NS" },
		{ DNS_TYPE_CNAME, "CNAME" },
		{ DNS_TYPE_SOA, "SOA" },
		{ DNS_TYPE_PTR, "PTR" },
		{ DNS_TYPE_MX, "MX" },
		{ DNS_TYPE_TXT, "TXT" },
		{ DNS_TYPE_AAAA, "AAAA" },
		{ DNS_TYPE_OPT, "OPT" },
		{ DNS_TYPE_TLSA, "TLSA" },
		{ DNS_TYPE_TSIG, "TSIG" },
		{ DNS_TYPE_IXFR, "IXFR" },
		{ DNS_TYPE_AXFR, "AXFR" },
		{ DNS_TYPE_ANY, "ANY" },
		{ DNS_TYPE_CAA, "CAA" },
	};

	for (size_t i = 0; i < sizeof(type_names) / sizeof(*type_names); i++) {
		if (type_names[i].type == type) {
			sbuf_addz(b, type_names[i].name);
			return;
		}
	}
	sbuf_fmt(b, "TYPE%u", type);
}
