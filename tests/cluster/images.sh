#!/usr/bin/env bash
# Makes the images of the trials as archives that containerd imports: images.sh FOLDER NAME...
#
# NAME is `test`, then `before` (images of the programs $program_test and $program_before), postgres or redis.
set -euo pipefail
folder=$(realpath "$1")
shift
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
export RUST=localhost/stand-in/debian:test
for name in "$@"; do
    case $name in
        test | before)
            image=localhost/countersign:$name program=program_$name
            strip -o "$folder/countersign" "${!program}"
            if [ "$name" = test ]; then
                SOURCE_DATE_EPOCH=1700000000 REVISION=test dist/release.sh "$folder/release" "$folder/countersign"
                tests/image/stand-in.sh debian "$RUST"
            else
                # The image before has the papers of this release: its program may lack what release.sh calls.
                install -m 755 "$folder/countersign" "$folder/release/files/countersign"
            fi
            dist/image.sh "$image" "$folder/release"
            ;;
        *)
            image=localhost/$name:test
            tests/image/stand-in.sh "$name" "$image"
            ;;
    esac
    buildah push --quiet "$image" "oci-archive:$folder/$name.tar:$image"
done
