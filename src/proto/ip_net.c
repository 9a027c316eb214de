/* SPDX-License-Identifier: Apache-2.0 */
/* ip_net: RFC 4291 text and prefixes; inet_pton does the reading. */
#include <arpa/inet.h>
#include <string.h>

#include "base/num.h"
#include "proto/ip_net.h"

#include "base/poison.h"

#define V4_OFFSET 12u
#define V4_BITS 96u

static const uint8_t v4_prefix[V4_OFFSET] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0xff, 0xff };

struct ip_addr ip_addr_v4(const uint8_t b[4])
{
	struct ip_addr a;

	memcpy(a.b, v4_prefix, V4_OFFSET);
	memcpy(a.b + V4_OFFSET, b, 4);
	return a;
}

bool ip_addr_is_v4(const struct ip_addr *a)
{
	return memcmp(a->b, v4_prefix, V4_OFFSET) == 0;
}

enum status ip_addr_parse(struct str text, struct ip_addr *out)
{
	char z[INET6_ADDRSTRLEN];
	struct ip_addr a;
	uint8_t v4[4];

	if (text.n == 0 || text.n >= sizeof(z) ||
		memchr(text.p, 0, text.n) != NULL)
		return ST_INVALID;
	memcpy(z, text.p, text.n);
	z[text.n] = 0;
	if (inet_pton(AF_INET, z, v4) == 1)
		a = ip_addr_v4(v4);
	else if (inet_pton(AF_INET6, z, a.b) != 1)
		return ST_INVALID;
	*out = a;
	return ST_OK;
}

enum status ip_net_parse(struct str text, struct ip_net *out)
{
	struct str rest = text;
	struct str addr = str_cut(&rest, '/');
	struct ip_addr a, prefix;
	uint32_t bits, max;

	if (ip_addr_parse(addr, &a) != ST_OK)
		return ST_INVALID;
	max = ip_addr_is_v4(&a) ? 32 : 128;
	bits = max;
	if (rest.p != NULL && num_u32(rest, 0, max, &bits) != ST_OK)
		return ST_INVALID;
	if (max == 32)
		bits += V4_BITS;
	prefix = ip_addr_prefix(&a, bits);
	if (memcmp(prefix.b, a.b, sizeof(a.b)) != 0)
		return ST_INVALID;
	*out = (struct ip_net){ .addr = prefix, .bits = (uint8_t)bits };
	return ST_OK;
}

bool ip_net_has(const struct ip_net *net, const struct ip_addr *a)
{
	struct ip_addr prefix = ip_addr_prefix(a, net->bits);

	return memcmp(prefix.b, net->addr.b, sizeof(prefix.b)) == 0;
}

struct ip_addr ip_addr_prefix(const struct ip_addr *a, unsigned bits)
{
	struct ip_addr out = {};

	memcpy(out.b, a->b, bits / 8);
	if (bits % 8 != 0)
		out.b[bits / 8] = (uint8_t)(a->b[bits / 8] &
					    (0xffu << (8 - bits % 8)));
	return out;
}
