/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ip_net: addresses and prefixes as plain values. IPv4 is held as IPv4-mapped
 * IPv6 (RFC 4291 section 2.5.5.2), so that one comparison serves both.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "base/str.h"

struct ip_addr {
	uint8_t b[16];
};

struct ip_net {
	struct ip_addr addr; /* bits beyond the prefix are zero */
	uint8_t bits;	     /* 0-128; an IPv4 /24 is 120 */
};

struct ip_addr ip_addr_v4(const uint8_t b[4]);
bool ip_addr_is_v4(const struct ip_addr *a);

/* "192.0.2.1" or "2001:db8::1"; ST_INVALID on anything else. */
enum status ip_addr_parse(struct str text, struct ip_addr *out);

/* "192.0.2.0/24", "2001:db8::/32" or an address; host bits must be zero. */
enum status ip_net_parse(struct str text, struct ip_net *out);

bool ip_net_has(const struct ip_net *net, const struct ip_addr *a);

/* a with all but its first bits zeroed (of 128; IPv4 /n is 96 + n). */
struct ip_addr ip_addr_prefix(const struct ip_addr *a, unsigned bits);
