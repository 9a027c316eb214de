/* SPDX-License-Identifier: Apache-2.0 */
/* addr: IP addresses with ports, as text and as what the kernel takes. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/sbuf.h"
#include "base/status.h"
#include "base/str.h"

struct addr {
	struct sockaddr_storage ss;
	socklen_t len;
};

/*
 * "192.0.2.1:53", "[2001:db8::1]:53"; without ":port" the port is
 * default_port, or an error if that is 0. A bare IPv6 address needs no
 * brackets. ST_INVALID on anything else.
 */
enum status addr_parse(
	struct str text, uint16_t default_port, struct addr *out);

/* An address from its 4 or 16 bytes in network order. */
struct addr addr_of_bytes(struct str bytes, uint16_t port);

/* "192.0.2.1" or "2001:db8::1". */
void addr_write_ip(struct sbuf *b, const struct addr *a);

/* "192.0.2.1:53" or "[2001:db8::1]:53". */
void addr_write(struct sbuf *b, const struct addr *a);

uint16_t addr_port(const struct addr *a);
void addr_set_port(struct addr *a, uint16_t port);

/* The 4 or 16 bytes of the address, borrowed from a. */
struct str addr_bytes(const struct addr *a);

/*
 * The bytes that stand for one client where clients are counted, borrowed from
 * a: those of an IPv4 address, or of the /64 network of an IPv6 address, of
 * which its owner can use as many as he likes.
 */
struct str addr_client(const struct addr *a);

/* true for 127.0.0.0/8, also mapped into IPv6, and ::1. */
bool addr_is_loopback(const struct addr *a);

/*
 * true if a packet to it stays on no private, loopback, link-local, shared,
 * documentation, benchmark, multicast or reserved network (RFC 6890 and its
 * registries); IPv4 inside IPv6 (mapped, NAT64, 6to4, Teredo) counts as what
 * it leads to. The filter for every connection a stranger can cause.
 */
bool addr_is_public(const struct addr *a);
