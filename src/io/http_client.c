/* SPDX-License-Identifier: Apache-2.0 */
/* http_client: libcurl, with everything off that a stranger could turn on. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <curl/curl.h>

#include "io/http_client.h"

#include "base/bug.h"
#include "base/mem.h"
#include "base/vec.h"
#include "io/addr.h"
#include "io/tls_names.h"

#include "base/poison.h"

#define HEADERS_MAX 100u
#define HEADER_BYTES_MAX (64u * 1024)
#define HOST_CAP 256
#define URL_MAX 2048u

struct http_client {
	CURL *curl;
	char *ca_file, *user_agent;
	struct http_client_options o;
	char host[HOST_CAP]; /* of the request being done */
};

/* What the callbacks fill while a request runs. */
struct exchange {
	struct arena *a;
	struct sbuf body;
	struct {
		struct http_header *items;
		size_t n, cap;
	} headers;
	size_t header_bytes;
	bool over; /* a cap was reached */
};

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void init_curl(void)
{
	BUG(curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK);
}

static char *copy_of(const char *s)
{
	char *copy = s == NULL ? NULL : strdup(s);

	BUG(s != NULL && copy == NULL);
	return copy;
}

struct http_client *http_client_new(const struct http_client_options *o)
{
	struct http_client *c = mem_must(sizeof(*c));

	(void)pthread_once(&once, init_curl);
	c->curl = curl_easy_init();
	BUG(c->curl == NULL);
	c->o = *o;
	c->o.ca_file = c->ca_file = copy_of(o->ca_file);
	c->o.user_agent = c->user_agent = copy_of(o->user_agent);
	return c;
}

void http_client_free(struct http_client **c)
{
	if (*c == NULL)
		return;
	curl_easy_cleanup((*c)->curl);
	free((*c)->ca_file);
	free((*c)->user_agent);
	mem_free(*c);
	*c = NULL;
}

static size_t on_body(char *p, size_t size, size_t n, void *ctx)
{
	struct exchange *x = ctx;

	sbuf_add(&x->body, (struct str){ p, size * n });
	if (sbuf_ok(&x->body))
		return size * n;
	x->over = true;
	return 0;
}

static size_t on_header(char *p, size_t size, size_t n, void *ctx)
{
	struct exchange *x = ctx;
	struct str line = { p, size * n }, name;
	struct http_header h;

	while (line.n > 0 &&
		(line.p[line.n - 1] == '\n' || line.p[line.n - 1] == '\r'))
		line.n--;
	if (str_starts(line, STR("HTTP/"))) {
		x->headers.n = 0; /* a new head, after 100-continue */
		return size * n;
	}
	name = str_cut(&line, ':');
	if (line.p == NULL)
		return size * n;
	h.name = arena_str(x->a, name);
	h.value = arena_str(x->a, str_trim(line));
	x->header_bytes += size * n;
	if (h.value.p == NULL || x->header_bytes > HEADER_BYTES_MAX ||
		x->headers.n == HEADERS_MAX ||
		!VEC_PUSH(x->a, &x->headers, h)) {
		x->over = true;
		return 0;
	}
	return size * n;
}

static CURLcode on_ssl_ctx(CURL *curl, void *ssl_ctx, void *ctx)
{
	struct http_client *c = ctx;

	(void)curl;
	tls_names_require(ssl_ctx, c->host);
	return CURLE_OK;
}

static curl_socket_t on_socket(
	void *ctx, curlsocktype purpose, struct curl_sockaddr *to)
{
	struct http_client *c = ctx;
	struct addr a = { .len = to->addrlen };

	(void)purpose;
	if (to->addrlen > sizeof(a.ss))
		return CURL_SOCKET_BAD;
	memcpy(&a.ss, &to->addr, to->addrlen);
	if (c->o.allow_addr != NULL && !c->o.allow_addr(&a))
		return CURL_SOCKET_BAD;
	return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

static int on_progress(void *ctx, curl_off_t dl_total, curl_off_t dl,
	curl_off_t ul_total, curl_off_t ul)
{
	struct http_client *c = ctx;

	(void)dl_total;
	(void)dl;
	(void)ul_total;
	(void)ul;
	return c->o.stop != NULL && c->o.stop(c->o.stop_ctx);
}

/* An IPv6 address stands in brackets in a URL, but not in a certificate. */
static void take_host(struct http_client *c, const char *host)
{
	struct str h = str_of(host);

	if (str_starts(h, STR("[")) && str_ends(h, STR("]"))) {
		h = str_from(h, 1);
		h.n--;
	}
	memcpy(c->host, h.p, h.n);
	c->host[h.n] = '\0';
}

/* Checks the scheme and notes the host, which the TLS check will want. */
static enum status take_url(
	struct http_client *c, const char *url, struct err *e)
{
	CURLU *u = curl_url();
	char *scheme = NULL, *host = NULL;
	enum status st = ST_OK;
	bool plain;

	BUG(u == NULL);
	if (strlen(url) > URL_MAX ||
		curl_url_set(u, CURLUPART_URL, url, 0) != CURLUE_OK ||
		curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
		curl_url_get(u, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
		strlen(host) >= sizeof(c->host)) {
		st = err_set(e, ST_INVALID, "not a URL: %.200s", url);
		goto out;
	}
	plain = strcmp(scheme, "http") == 0;
	if (strcmp(scheme, "https") != 0 && !(plain && c->o.allow_http)) {
		st = err_set(e, ST_INVALID, "not an https URL: %.200s", url);
		goto out;
	}
	take_host(c, host);
out:
	curl_free(scheme);
	curl_free(host);
	curl_url_cleanup(u);
	return st;
}

static void set_request(CURL *h, const struct http_request *req)
{
	if (strcmp(req->method, "HEAD") == 0)
		(void)curl_easy_setopt(h, CURLOPT_NOBODY, 1L);
	else
		(void)curl_easy_setopt(h, CURLOPT_CUSTOMREQUEST, req->method);
	if (req->body.p != NULL) {
		(void)curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE_LARGE,
			(curl_off_t)req->body.n);
		(void)curl_easy_setopt(h, CURLOPT_POSTFIELDS, req->body.p);
	}
}

static void set_safety(struct http_client *c)
{
	CURL *h = c->curl;

	(void)curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR,
		c->o.allow_http ? "https,http" : "https");
	(void)curl_easy_setopt(h, CURLOPT_FOLLOWLOCATION, 0L);
	(void)curl_easy_setopt(h, CURLOPT_PROXY, "");
	(void)curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(
		h, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	(void)curl_easy_setopt(
		h, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	(void)curl_easy_setopt(h, CURLOPT_SSL_CTX_FUNCTION, on_ssl_ctx);
	(void)curl_easy_setopt(h, CURLOPT_SSL_CTX_DATA, c);
	(void)curl_easy_setopt(h, CURLOPT_OPENSOCKETFUNCTION, on_socket);
	(void)curl_easy_setopt(h, CURLOPT_OPENSOCKETDATA, c);
	if (c->o.ca_file != NULL) {
		(void)curl_easy_setopt(h, CURLOPT_CAINFO, c->o.ca_file);
		(void)curl_easy_setopt(h, CURLOPT_CAPATH, NULL);
	}
	if (c->o.user_agent != NULL)
		(void)curl_easy_setopt(h, CURLOPT_USERAGENT, c->o.user_agent);
	(void)curl_easy_setopt(h, CURLOPT_TIMEOUT_MS, (long)c->o.timeout_ms);
	(void)curl_easy_setopt(
		h, CURLOPT_CONNECTTIMEOUT_MS, (long)c->o.timeout_ms);
	(void)curl_easy_setopt(h, CURLOPT_XFERINFOFUNCTION, on_progress);
	(void)curl_easy_setopt(h, CURLOPT_XFERINFODATA, c);
	(void)curl_easy_setopt(h, CURLOPT_NOPROGRESS, 0L);
}

static struct curl_slist *list_of(const char *const *lines)
{
	struct curl_slist *list = NULL, *more;

	for (; lines != NULL && *lines != NULL; lines++) {
		more = curl_slist_append(list, *lines);
		BUG(more == NULL);
		list = more;
	}
	return list;
}

static enum status failed(const struct http_client *c, const struct exchange *x,
	CURLcode code, const char *text, struct err *e)
{
	if (x->over)
		return err_set(e, ST_LIMIT,
			"%s: the answer is larger than %zu bytes", c->host,
			c->o.max_bytes);
	if (code == CURLE_SSL_CACERT_BADFILE)
		return err_set(e, ST_PERM, "%s: cannot read CA file %s",
			c->host, c->o.ca_file == NULL ? "" : c->o.ca_file);
	return err_set(e, ST_TEMP, "%s: %s", c->host,
		text[0] != '\0' ? text : curl_easy_strerror(code));
}

enum status http_client_do(struct http_client *c, struct arena *a,
	const struct http_request *req, struct http_response *out,
	struct err *e)
{
	const char *pins[] = { req->connect_to, NULL };
	struct exchange x = { .a = a, .body = sbuf_arena(a, c->o.max_bytes) };
	char text[CURL_ERROR_SIZE] = "";
	struct curl_slist *headers, *connect_to;
	enum status st = take_url(c, req->url, e);
	CURL *h = c->curl;
	long status = 0;
	CURLcode code;

	if (st != ST_OK)
		return st;
	headers = list_of(req->headers);
	connect_to = list_of(pins);
	curl_easy_reset(h);
	set_safety(c);
	set_request(h, req);
	(void)curl_easy_setopt(h, CURLOPT_URL, req->url);
	(void)curl_easy_setopt(h, CURLOPT_HTTPHEADER, headers);
	(void)curl_easy_setopt(h, CURLOPT_CONNECT_TO, connect_to);
	(void)curl_easy_setopt(h, CURLOPT_ERRORBUFFER, text);
	(void)curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, on_body);
	(void)curl_easy_setopt(h, CURLOPT_WRITEDATA, &x);
	(void)curl_easy_setopt(h, CURLOPT_HEADERFUNCTION, on_header);
	(void)curl_easy_setopt(h, CURLOPT_HEADERDATA, &x);
	code = curl_easy_perform(h);
	(void)curl_easy_getinfo(h, CURLINFO_RESPONSE_CODE, &status);
	(void)curl_easy_setopt(h, CURLOPT_ERRORBUFFER, NULL);
	curl_slist_free_all(headers);
	curl_slist_free_all(connect_to);
	if (code != CURLE_OK && (!req->status_only || status < 200 || x.over))
		return failed(c, &x, code, text, e);
	*out = (struct http_response){ .status = (int)status,
		.headers = x.headers.items,
		.n_headers = x.headers.n,
		.body = sbuf_str(&x.body) };
	return ST_OK;
}

struct str http_response_header(
	const struct http_response *r, const char *name, size_t i)
{
	for (size_t j = 0; j < r->n_headers; j++)
		if (str_eq_nocase(r->headers[j].name, str_of(name)) && i-- == 0)
			return r->headers[j].value;
	return (struct str){};
}
