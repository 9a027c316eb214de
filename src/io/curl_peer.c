/* SPDX-License-Identifier: Apache-2.0 */
/* curl_peer: libcurl, with everything off that a stranger could turn on. */
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>

#include "io/curl_peer.h"

#include "base/bug.h"
#include "base/mem.h"
#include "base/str.h"
#include "io/addr.h"
#include "io/crypto.h"
#include "io/tls_names.h"

#include "base/poison.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void init_curl(void)
{
	BUG(curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK);
}

void curl_peer_init(struct curl_peer *p)
{
	(void)pthread_once(&once, init_curl);
	p->curl = curl_easy_init();
	BUG(p->curl == NULL);
}

void curl_peer_fini(struct curl_peer *p)
{
	curl_easy_cleanup(p->curl);
	p->curl = NULL;
}

/* An IPv6 address stands in brackets in a URL, but not in a certificate. */
static bool take_host(struct curl_peer *p, const char *host)
{
	struct str h = str_of(host);

	if (str_starts(h, STR("[")) && str_ends(h, STR("]"))) {
		h = str_from(h, 1);
		h.n--;
	}
	if (h.n >= sizeof(p->host))
		return false;
	memcpy(p->host, h.p, h.n);
	p->host[h.n] = '\0';
	return true;
}

static bool has_part(CURLU *u, CURLUPart part)
{
	char *text = NULL;
	bool has = curl_url_get(u, part, &text, 0) == CURLUE_OK;

	curl_free(text);
	return has;
}

static bool is_bare(CURLU *u)
{
	char *path = NULL;
	bool bare = curl_url_get(u, CURLUPART_PATH, &path, 0) == CURLUE_OK &&
		    strcmp(path, "/") == 0;

	curl_free(path);
	return bare && !has_part(u, CURLUPART_USER) &&
	       !has_part(u, CURLUPART_PASSWORD) &&
	       !has_part(u, CURLUPART_OPTIONS) &&
	       !has_part(u, CURLUPART_QUERY) &&
	       !has_part(u, CURLUPART_FRAGMENT);
}

bool curl_peer_take_url(struct curl_peer *p, const char *url)
{
	CURLU *u = curl_url();
	char *scheme = NULL, *host = NULL;
	bool ok;

	BUG(u == NULL);
	ok = curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
	     curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
	     curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
	     strlen(scheme) < sizeof(p->scheme) && take_host(p, host);
	if (ok) {
		memcpy(p->scheme, scheme, strlen(scheme) + 1);
		p->bare = is_bare(u);
	}
	curl_free(scheme);
	curl_free(host);
	curl_url_cleanup(u);
	return ok;
}

static CURLcode on_ssl_ctx(CURL *curl, void *ssl_ctx, void *ctx)
{
	struct curl_peer *p = ctx;

	(void)curl;
	tls_names_require(ssl_ctx, p->host);
	return CURLE_OK;
}

static curl_socket_t on_socket(
	void *ctx, curlsocktype purpose, struct curl_sockaddr *to)
{
	struct curl_peer *p = ctx;
	struct addr a = { .len = to->addrlen };

	(void)purpose;
	if (to->addrlen > sizeof(a.ss))
		return CURL_SOCKET_BAD;
	memcpy(&a.ss, &to->addr, to->addrlen);
	if (p->allow_addr != NULL && !p->allow_addr(&a))
		return CURL_SOCKET_BAD;
	return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

static int on_progress(void *ctx, curl_off_t dl_total, curl_off_t dl,
	curl_off_t ul_total, curl_off_t ul)
{
	struct curl_peer *p = ctx;

	(void)dl_total;
	(void)dl;
	(void)ul_total;
	(void)ul;
	return p->stop != NULL && p->stop(p->stop_ctx);
}

static void demand_tls(struct curl_peer *p)
{
	CURL *h = p->curl;

	(void)curl_easy_setopt(h, CURLOPT_USE_SSL, (long)CURLUSESSL_ALL);
	(void)curl_easy_setopt(
		h, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	(void)curl_easy_setopt(h, CURLOPT_SSL_CTX_FUNCTION, on_ssl_ctx);
	(void)curl_easy_setopt(h, CURLOPT_SSL_CTX_DATA, p);
	if (p->ca_file != NULL) {
		(void)curl_easy_setopt(h, CURLOPT_CAINFO, p->ca_file);
		(void)curl_easy_setopt(h, CURLOPT_CAPATH, NULL);
	}
}

void curl_peer_demand(struct curl_peer *p, const char *protocols)
{
	CURL *h = p->curl;

	demand_tls(p);
	(void)curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, protocols);
	(void)curl_easy_setopt(h, CURLOPT_PROXY, "");
	(void)curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(h, CURLOPT_OPENSOCKETFUNCTION, on_socket);
	(void)curl_easy_setopt(h, CURLOPT_OPENSOCKETDATA, p);
	(void)curl_easy_setopt(h, CURLOPT_TIMEOUT_MS, (long)p->timeout_ms);
	(void)curl_easy_setopt(
		h, CURLOPT_CONNECTTIMEOUT_MS, (long)p->timeout_ms);
	(void)curl_easy_setopt(h, CURLOPT_XFERINFOFUNCTION, on_progress);
	(void)curl_easy_setopt(h, CURLOPT_XFERINFODATA, p);
	(void)curl_easy_setopt(h, CURLOPT_NOPROGRESS, 0L);
}

void curl_peer_log_in(struct curl_peer *p, const char *user,
	const struct crypto_secret *password)
{
	struct str secret = crypto_secret_bytes(password);
	char *text = mem_must(secret.n + 1);

	memcpy(text, secret.p, secret.n);
	(void)curl_easy_setopt(p->curl, CURLOPT_USERNAME, user);
	(void)curl_easy_setopt(p->curl, CURLOPT_PASSWORD, text);
	mem_wipe(text, secret.n);
	mem_free(text);
}

CURLcode curl_peer_perform(struct curl_peer *p)
{
	CURLcode code;

	p->text[0] = '\0';
	(void)curl_easy_setopt(p->curl, CURLOPT_ERRORBUFFER, p->text);
	code = curl_easy_perform(p->curl);
	(void)curl_easy_setopt(p->curl, CURLOPT_ERRORBUFFER, NULL);
	return code;
}

const char *curl_peer_reason(const struct curl_peer *p, CURLcode code)
{
	return p->text[0] != '\0' ? p->text : curl_easy_strerror(code);
}

struct curl_slist *curl_peer_list(struct curl_slist *list, const char *line)
{
	struct curl_slist *longer = curl_slist_append(list, line);

	BUG(longer == NULL);
	return longer;
}
