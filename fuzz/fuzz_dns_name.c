/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns_name: a name read from wire survives the way through text; text that
 * parses does too; rdata of every type prints.
 */
#include <stdint.h>

#include "base/bug.h"
#include "proto/dns_rr.h"

#include "base/poison.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void round_trip(const struct dns_name *name)
{
	char p[DNS_NAME_TEXT_MAX], key[DNS_NAME_KEY_MAX];
	char key_up[DNS_NAME_KEY_MAX];
	struct sbuf b = sbuf_fixed(p, sizeof(p));
	struct sbuf k = sbuf_fixed(key, sizeof(key)), k_up;
	struct dns_name again, up = *name;

	dns_name_write(&b, name);
	dns_name_key(&k, name);
	BUG(!sbuf_ok(&b) || !sbuf_ok(&k));
	BUG(dns_name_parse(sbuf_str(&b), &again) != ST_OK);
	BUG(!dns_name_eq(name, &again));
	while (dns_name_cut(&up)) {
		BUG(!dns_name_is_in(name, &up));
		k_up = sbuf_fixed(key_up, sizeof(key_up));
		dns_name_key(&k_up, &up);
		BUG(!str_starts(sbuf_str(&k), sbuf_str(&k_up)));
	}
}

static void print_rdata(struct str rdata)
{
	static const uint16_t types[] = { DNS_TYPE_A, DNS_TYPE_NS, DNS_TYPE_SOA,
		DNS_TYPE_MX, DNS_TYPE_TXT, DNS_TYPE_AAAA, DNS_TYPE_CAA };
	struct arena *a = arena_must(0);

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		struct sbuf b = sbuf_arena(a, 1u << 20);

		dns_rdata_write(&b, types[i], rdata);
	}
	arena_free(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct str input = { (const char *)data, size };
	struct wire_in in = wire_in_of(input);
	struct dns_name name;

	/* The first byte says where in the message the name begins. */
	if (size > 0)
		in.at = data[0] % size;
	name = dns_name_read(&in);
	if (wire_ok(&in))
		round_trip(&name);
	if (dns_name_parse(input, &name) == ST_OK)
		round_trip(&name);
	print_rdata(input);
	return 0;
}
