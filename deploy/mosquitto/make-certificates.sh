#!/usr/bin/env bash
# A small certificate authority for one hub: the broker's certificate, the daemon's, and one for each device.
#
#   make-certificates.sh FOLDER authority            once: the authority itself
#   make-certificates.sh FOLDER broker HOST...       the broker's, for the names that devices reach it by
#   make-certificates.sh FOLDER daemon               the daemon's
#   make-certificates.sh FOLDER device DEVICE        one device's
#   make-certificates.sh FOLDER revoke DEVICE        a device is lost or gone: revoked.crl then names it
#
# FOLDER holds the authority's key, which signs for every device: keep it off the broker, readable by you alone.
set -euo pipefail
umask 077

die() {
  echo "error: $*" >&2
  exit 2
}

usage() {
  sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0"
  exit 2
}

[ $# -ge 2 ] || usage
folder=$1 what=$2
shift 2

settings() {
  cat <<END
[ca]
default_ca = authority
[authority]
database = $folder/index.txt
new_certs_dir = $folder/issued
certificate = $folder/ca.crt
private_key = $folder/ca.key
serial = $folder/serial
crlnumber = $folder/crlnumber
default_md = sha256
default_crl_days = 3650
unique_subject = no
policy = name
x509_extensions = extensions
[name]
commonName = supplied
[req]
distinguished_name = empty
[empty]
[authority_extensions]
basicConstraints = critical, CA:true, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[extensions]
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
extendedKeyUsage = ${purpose:-clientAuth}
${names:+subjectAltName = $names}
END
}

new_key() {
  [ ! -e "$1" ] || die "$1 is there already"
  openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1" 2>/dev/null ||
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1" 2>/dev/null
}

sign() { # FILE COMMON-NAME DAYS
  [ -e "$folder/ca.key" ] || die "there is no authority in $folder; make one with: $0 $folder authority"
  new_key "$folder/$1.key"
  openssl req -new -key "$folder/$1.key" -subj "/CN=$2" -config <(settings) -out "$folder/$1.csr"
  openssl ca -batch -notext -days "$3" -config <(settings) -in "$folder/$1.csr" -out "$folder/$1.crt" 2>/dev/null
  rm "$folder/$1.csr"
  echo "$folder/$1.crt, valid for $3 days, and its key"
}

revocation_list() {
  openssl ca -gencrl -config <(settings) -out "$folder/revoked.crl" 2>/dev/null
}

check_device() {
  [[ $1 =~ ^[a-z0-9][a-z0-9-]{0,62}$ ]] || die "a device is named with 1 to 63 lower-case letters, digits or '-'"
  case $1 in
  alerts | monitor | vwmon | ca | broker) die "$1 is not a device's name" ;;
  esac
}

case $what in
authority)
  [ ! -e "$folder/ca.key" ] || die "$folder has an authority already"
  mkdir -p "$folder/issued"
  touch "$folder/index.txt"
  echo 01 >"$folder/crlnumber"
  openssl rand -hex 16 >"$folder/serial"
  new_key "$folder/ca.key"
  openssl req -new -x509 -days 3650 -key "$folder/ca.key" -subj "/CN=vwmon authority" \
    -config <(settings) -extensions authority_extensions -out "$folder/ca.crt"
  revocation_list
  echo "$folder/ca.crt and its key"
  ;;
broker)
  [ $# -ge 1 ] || die "name the hosts that devices reach the broker by"
  purpose=serverAuth names=DNS:localhost,IP:127.0.0.1
  for host in "$@"; do
    if [[ $host =~ ^[0-9.]+$|: ]]; then names+=",IP:$host"; else names+=",DNS:$host"; fi
  done
  sign broker "$1" 730
  ;;
daemon)
  sign vwmon vwmon 730
  ;;
device)
  [ $# = 1 ] || die "name one device"
  check_device "$1"
  sign "$1" "$1" 730
  ;;
revoke)
  [ $# = 1 ] || die "name one device"
  [ -e "$folder/$1.crt" ] || die "there is no certificate $folder/$1.crt"
  openssl ca -revoke "$folder/$1.crt" -config <(settings) 2>/dev/null
  rm -f "$folder/$1.crt" "$folder/$1.key" # so that it can have a new one; a copy of the old is in issued/
  revocation_list
  echo "$1 is revoked: copy $folder/revoked.crl to the broker and restart it"
  ;;
*) usage ;;
esac
