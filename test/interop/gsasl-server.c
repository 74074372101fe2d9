/*
 * The server's half of one login, by GNU SASL: gsasl-server MECHANISM USER PASSWORD [TLS-EXPORTER]
 * The last is what the login can be tied to, in base64. Reads what the client says, a line of base64 each, and answers
 * each with a line: "334" and a challenge, "235", or "535" and the reason. After the last two it ends.
 */
#include <gsasl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char **given;

/* Called for what the session needs to know and was not told. */
static int tell(Gsasl *context, Gsasl_session *session, Gsasl_property property)
{
    (void)context;
    if (property == GSASL_PASSWORD) {
        const char *user = gsasl_property_fast(session, GSASL_AUTHID);
        if (user == NULL || strcmp(user, given[2]) != 0)
            return GSASL_NO_PASSWORD;
        return gsasl_property_set(session, GSASL_PASSWORD, given[3]);
    }
    if (property == GSASL_CB_TLS_EXPORTER && given[4] != NULL)
        return gsasl_property_set(session, GSASL_CB_TLS_EXPORTER, given[4]);
    return GSASL_NO_CALLBACK;
}

int main(int argc, char **argv)
{
    Gsasl *context;
    Gsasl_session *session;
    char line[4096];
    int status;

    if (argc < 4 || argc > 5)
        return 2;
    given = argv;
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (gsasl_init(&context) != GSASL_OK)
        return 1;
    gsasl_callback_set(context, tell);
    status = gsasl_server_start(context, argv[1], &session);
    if (status != GSASL_OK) {
        printf("535 %s\n", gsasl_strerror(status));
        return 1;
    }
    do {
        char *challenge = NULL;
        if (fgets(line, sizeof line, stdin) == NULL)
            return 1;
        line[strcspn(line, "\n")] = '\0';
        status = gsasl_step64(session, line, &challenge);
        /* SMTP has no data with its 235: what GNU SASL says last needs a turn of its own. */
        if (status == GSASL_NEEDS_MORE || (status == GSASL_OK && challenge != NULL && *challenge != '\0')) {
            printf("334 %s\n", challenge);
            if (status == GSASL_OK && fgets(line, sizeof line, stdin) == NULL)
                return 1;
        }
        gsasl_free(challenge);
    } while (status == GSASL_NEEDS_MORE);
    if (status == GSASL_OK)
        printf("235\n");
    else
        printf("535 %s\n", gsasl_strerror(status));
    gsasl_finish(session);
    gsasl_done(context);
    return 0;
}
