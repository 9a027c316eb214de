/* SPDX-License-Identifier: Apache-2.0 */
/* addr: parsing, printing, and the filter for addresses (RFC 6890). */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "base/bug.h"
#include "base/num.h"
#include "io/addr.h"

#include "base/poison.h"

#define V6_NETWORK_BYTES 8

struct net {
	unsigned char prefix[16];
	unsigned bits;
};

/* Special-purpose registries of IANA, without what is globally reachable. */
static const struct net private_v4[] = {
	{ { 0 }, 8 },		  /* this network */
	{ { 10 }, 8 },		  /* RFC 1918 */
	{ { 100, 64 }, 10 },	  /* shared, RFC 6598 */
	{ { 127 }, 8 },		  /* loopback */
	{ { 169, 254 }, 16 },	  /* link-local */
	{ { 172, 16 }, 12 },	  /* RFC 1918 */
	{ { 192, 0, 0 }, 24 },	  /* IETF protocols */
	{ { 192, 0, 2 }, 24 },	  /* documentation */
	{ { 192, 88, 99 }, 24 },  /* 6to4 relays, RFC 7526 */
	{ { 192, 168 }, 16 },	  /* RFC 1918 */
	{ { 198, 18 }, 15 },	  /* benchmarks */
	{ { 198, 51, 100 }, 24 }, /* documentation */
	{ { 203, 0, 113 }, 24 },  /* documentation */
	{ { 224 }, 3 },		  /* multicast, reserved, broadcast */
};

/* Only 2000::/3 is given out (RFC 4291); these parts of it are special. */
static const struct net private_v6[] = {
	{ { 0x20, 0x01, 0x00 }, 23 },	    /* IETF, Teredo, ORCHID */
	{ { 0x20, 0x01, 0x0d, 0xb8 }, 32 }, /* documentation */
	{ { 0x20, 0x02 }, 16 },		    /* 6to4: over IPv4 */
	{ { 0x3f, 0xff, 0x00 }, 20 },	    /* documentation, RFC 9637 */
};

static bool in_net(const unsigned char *ip, const struct net *net)
{
	unsigned whole = net->bits / 8, rest = net->bits % 8;
	unsigned char mask = (unsigned char)(0xff00u >> rest);

	return memcmp(ip, net->prefix, whole) == 0 &&
	       (rest == 0 || (ip[whole] & mask) == net->prefix[whole]);
}

static bool v4_is_public(const unsigned char *ip)
{
	for (size_t i = 0; i < sizeof(private_v4) / sizeof(*private_v4); i++)
		if (in_net(ip, &private_v4[i]))
			return false;
	return true;
}

static bool v6_is_public(const unsigned char *ip)
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
	static const unsigned char nat64[12] = { 0x00, 0x64, 0xff, 0x9b };

	if (memcmp(ip, mapped, sizeof(mapped)) == 0 ||
		memcmp(ip, nat64, sizeof(nat64)) == 0)
		return v4_is_public(ip + 12);
	if ((ip[0] & 0xe0) != 0x20)
		return false;
	for (size_t i = 0; i < sizeof(private_v6) / sizeof(*private_v6); i++)
		if (in_net(ip, &private_v6[i]))
			return false;
	return true;
}

/* Splits "host:port" into its two parts; port.p is NULL without one. */
static enum status split_port(
	struct str text, struct str *host, struct str *port)
{
	ptrdiff_t colon = str_index(text, ':');

	*port = (struct str){};
	*host = text;
	if (text.n > 0 && text.p[0] == '[') {
		ptrdiff_t end = str_index(text, ']');

		if (end < 0)
			return ST_INVALID;
		*host = str_upto(str_from(text, 1), (size_t)end - 1);
		text = str_from(text, (size_t)end + 1);
		if (text.n == 0)
			return ST_OK;
		if (text.p[0] != ':')
			return ST_INVALID;
		*port = str_from(text, 1);
	} else if (colon >= 0 &&
		   str_index(str_from(text, (size_t)colon + 1), ':') < 0) {
		*host = str_upto(text, (size_t)colon);
		*port = str_from(text, (size_t)colon + 1);
	}
	return ST_OK;
}

enum status addr_parse(struct str text, uint16_t default_port, struct addr *out)
{
	struct str host, port_text;
	uint32_t port = default_port;
	unsigned char ip[16];
	char z[INET6_ADDRSTRLEN];
	int family = AF_INET;

	if (split_port(text, &host, &port_text) != ST_OK)
		return ST_INVALID;
	if (port_text.p != NULL && num_u32(port_text, 1, 65535, &port) != ST_OK)
		return ST_INVALID;
	if ((port == 0 && default_port == 0) || host.n >= sizeof(z) ||
		host.n == 0)
		return ST_INVALID;
	memcpy(z, host.p, host.n);
	z[host.n] = '\0';
	if (strchr(z, ':') != NULL)
		family = AF_INET6;
	if (inet_pton(family, z, ip) != 1)
		return ST_INVALID;
	*out = addr_of_bytes(
		(struct str){ (char *)ip, family == AF_INET ? 4 : 16 },
		(uint16_t)port);
	return ST_OK;
}

struct addr addr_of_bytes(struct str bytes, uint16_t port)
{
	struct addr a = {};
	struct sockaddr_in *v4 = (struct sockaddr_in *)&a.ss;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&a.ss;

	BUG(bytes.n != 4 && bytes.n != 16);
	if (bytes.n == 4) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		memcpy(&v4->sin_addr, bytes.p, 4);
		a.len = sizeof(*v4);
	} else {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(port);
		memcpy(&v6->sin6_addr, bytes.p, 16);
		a.len = sizeof(*v6);
	}
	return a;
}

struct str addr_bytes(const struct addr *a)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)&a->ss;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&a->ss;

	if (a->ss.ss_family == AF_INET)
		return (struct str){ (const char *)&v4->sin_addr, 4 };
	return (struct str){ (const char *)&v6->sin6_addr, 16 };
}

bool addr_is_loopback(const struct addr *a)
{
	const struct in6_addr *six =
		&((const struct sockaddr_in6 *)&a->ss)->sin6_addr;
	struct str b = addr_bytes(a);

	if (b.n == 4)
		return b.p[0] == 127;
	return IN6_IS_ADDR_LOOPBACK(six) ||
	       (IN6_IS_ADDR_V4MAPPED(six) && b.p[12] == 127);
}

struct str addr_client(const struct addr *a)
{
	return str_upto(addr_bytes(a),
		a->ss.ss_family == AF_INET6 ? V6_NETWORK_BYTES : SIZE_MAX);
}

uint16_t addr_port(const struct addr *a)
{
	if (a->ss.ss_family == AF_INET)
		return ntohs(((const struct sockaddr_in *)&a->ss)->sin_port);
	return ntohs(((const struct sockaddr_in6 *)&a->ss)->sin6_port);
}

void addr_set_port(struct addr *a, uint16_t port)
{
	if (a->ss.ss_family == AF_INET)
		((struct sockaddr_in *)&a->ss)->sin_port = htons(port);
	else
		((struct sockaddr_in6 *)&a->ss)->sin6_port = htons(port);
}

void addr_write_ip(struct sbuf *b, const struct addr *a)
{
	char text[INET6_ADDRSTRLEN];

	if (inet_ntop(a->ss.ss_family, addr_bytes(a).p, text, sizeof(text)) !=
		NULL)
		sbuf_addz(b, text);
}

void addr_write(struct sbuf *b, const struct addr *a)
{
	bool v6 = a->ss.ss_family == AF_INET6;

	if (v6)
		sbuf_addc(b, '[');
	addr_write_ip(b, a);
	if (v6)
		sbuf_addc(b, ']');
	sbuf_fmt(b, ":%u", addr_port(a));
}

bool addr_is_public(const struct addr *a)
{
	const unsigned char *ip = (const unsigned char *)addr_bytes(a).p;

	if (a->ss.ss_family == AF_INET)
		return v4_is_public(ip);
	return a->ss.ss_family == AF_INET6 && v6_is_public(ip);
}
