"""HITSZ-VCM."""
