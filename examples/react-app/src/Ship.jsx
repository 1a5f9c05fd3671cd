import React from 'react';
import DOMPurify from 'dompurify';
import { marked } from 'marked';
import PropTypes from 'prop-types';
import { Link, useParams } from 'react-router-dom';

import { useShips } from './harbour.js';

function Note({ text }) {
  return <p dangerouslySetInnerHTML={{ __html: DOMPurify.sanitize(marked.parse(text)) }} />;
}
Note.propTypes = { text: PropTypes.string.isRequired };

export default function Ship() {
  const { name } = useParams();
  const ship = useShips().find((s) => s.name === name);
  return (
    <>
      <p><Link to="/">All ships</Link></p>
      {ship ? (
        <article>
          <h2>{ship.name}, berth {ship.berth}</h2>
          <p>Cargo: {ship.cargo.join(', ') || 'none'}</p>
          <Note text={ship.note} />
        </article>
      ) : (
        <p>No such ship in harbour.</p>
      )}
    </>
  );
}
