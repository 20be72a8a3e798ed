"""The figures of inspections, drawn from their arrays; `inspection_figures` names them."""
