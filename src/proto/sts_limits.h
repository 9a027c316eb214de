/* SPDX-License-Identifier: Apache-2.0 */
/* sts_limits: the numbers of MTA-STS (RFC 8461). */
#pragma once

#define STS_POLICY_BYTES_MAX 65536u	 /* section 3.3, suggested */
#define STS_POLICY_LINE_BYTES_WISE 1024u /* longer lines get a warning */
#define STS_ID_BYTES_MAX 32u		 /* section 3.1 */
#define STS_MAX_AGE_DIGITS_MAX 10u	 /* section 3.2; erratum 7282 says 8 */
#define STS_MAX_AGE_MAX 31557600u	 /* section 3.2: about a year */
/* A TXT record's text; DNS itself allows 65535 (RFC 1035 section 3.3.14). */
#define STS_RECORD_BYTES_MAX 4096u
